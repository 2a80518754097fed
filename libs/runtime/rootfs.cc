// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/mount/tree.h"
#include "libs/oci/digest.h"
#include "libs/oci/stave_member.h"
#include "libs/store/layers.h"

namespace stave::runtime {
namespace {

bool HasDefaultAttributes(const struct stat& st) {
  return st.st_uid == 0 && st.st_gid == 0 && (st.st_mode & 07777) == 0755;
}

using LayerAbove = std::vector<oci::Digest>::const_reverse_iterator;

// `found` is the root of `layer`, the topmost one that is not 0755 0:0. It counts unless a layer
// above it says by name that the root is 0755 0:0.
void DecideRoot(const store::Store& store, const oci::ImageMember& image, LayerAbove layer,
                const struct stat& found, ImageRoot* root) {
  for (LayerAbove above = image.layers.rbegin(); above != layer; ++above) {
    const auto meta = store::ReadLayerMeta(store, *above);
    if (meta.ok() && meta->root_named) return;
  }
  root->uid = found.st_uid;
  root->gid = found.st_gid;
  root->mode = found.st_mode & 07777;
}

// Under its name it has its owner; from then on that is the container's to change.
absl::Status MakeTopDirectory(int home, const ImageRoot& root) {
  STAVE_RETURN_IF_ERROR(base::MakeDirAt(home, "upper.new", root.mode));
  if (::fchownat(home, "upper.new", root.uid, root.gid, AT_SYMLINK_NOFOLLOW) < 0) {
    return base::PosixError(errno, "upper", "chown");
  }
  if (::renameat(home, "upper.new", home, "upper") < 0) {
    return base::PosixError(errno, "upper", "rename");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ImageRoot> FindImageRoot(const store::Store& store, const json::Value& document) {
  STAVE_ASSIGN_OR_RETURN(const oci::StaveMember member, oci::GetStaveMember(document));
  if (!member.image) {
    return base::WithHint(base::Error(absl::StatusCode::kFailedPrecondition, "E_NO_IMAGE",
                                      "/stave/image: the document names no image"),
                          "start with image-fetch, or give --rootfs DIR");
  }
  if (!member.store.empty() && member.store != store.state_path()) {
    return base::WithHint(base::Error(absl::StatusCode::kFailedPrecondition, "E_STORE",
                                      absl::StrCat("/stave/store: ", base::Printable(member.store),
                                                   " is not this store, ", store.state_path())),
                          "set STAVE_STATE to the store that the document was made with");
  }
  if (member.image->layers.empty()) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "E_NO_IMAGE",
                       "/stave/image/layers: the image has no layers, so there is nothing to run");
  }
  ImageRoot root;
  bool decided = false;
  for (auto layer = member.image->layers.rbegin(); layer != member.image->layers.rend(); ++layer) {
    std::string path = store::LayerPath(store, *layer);
    struct stat st;
    if (::stat(path.c_str(), &st) < 0) {
      STAVE_RETURN_IF_ERROR(store::CheckHasFiles(store, *layer));
      return base::WithHint(
          base::Error(absl::StatusCode::kNotFound, "E_NO_LAYER",
                      absl::StrCat("layer ", layer->ToString(), ": is not in the store ",
                                   store.state_path())),
          absl::StrCat("image-fetch ", member.image->reference, " brings it back"));
    }
    // One that has lost its files would silently run something else. Most have a folder in them,
    // which the link count tells (where it counts at all).
    if (st.st_nlink <= 2) STAVE_RETURN_IF_ERROR(store::CheckHasFiles(store, *layer));
    // Only a root with the attributes of one that nobody named needs a look into meta.json, and
    // only if a layer below has others: DecideRoot.
    if (!decided && !HasDefaultAttributes(st)) {
      DecideRoot(store, *member.image, layer, st, &root);
      decided = true;
    }
    // overlayfs takes no folder twice (ELOOP); of a layer that is there twice only the upper one
    // shows.
    if (std::find(root.overlay.lower.begin(), root.overlay.lower.end(), path) ==
        root.overlay.lower.end()) {
      root.overlay.lower.push_back(std::move(path));
    }
  }
  return root;
}

absl::Status MakeUpper(int home, const std::string& home_path, ImageRoot* root) {
  const auto exists = [home] {
    struct stat st;
    return ::fstatat(home, "upper", &st, AT_SYMLINK_NOFOLLOW) == 0;
  };
  if (!exists()) {
    // Somebody else may make it meanwhile, to read the container's files say.
    const absl::Status made = MakeTopDirectory(home, *root);
    if (!made.ok() && !exists()) return made;
  }
  STAVE_RETURN_IF_ERROR(base::MakeDirAt(home, "work", 0700));
  root->overlay.upper = absl::StrCat(home_path, "/upper");
  root->overlay.work = absl::StrCat(home_path, "/work");
  return absl::OkStatus();
}

absl::StatusOr<base::UniqueFd> CloneRootfs(const std::string& path, uint64_t root_propagation) {
  const base::UniqueFd dir(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!dir.valid()) return base::PosixError(errno, path, "open the root filesystem");
  struct stat mine, host;
  if (::fstat(dir.get(), &mine) == 0 && ::stat("/", &host) == 0 && mine.st_ino == host.st_ino &&
      mine.st_dev == host.st_dev) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_USAGE",
                       "--rootfs: \"/\" is the host's own root filesystem");
  }
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd tree, mount::CloneTree(dir.get(), "", mount::Depth::kTree));
  // Shared with the host it cannot become /: pivot_root(2).
  const bool follows = root_propagation == MS_SLAVE || root_propagation == MS_SHARED;
  STAVE_RETURN_IF_ERROR(
      mount::SetAttributes(tree.get(), 0, 0, follows ? MS_SLAVE : MS_PRIVATE, mount::Depth::kTree));
  return tree;
}

}  // namespace stave::runtime
