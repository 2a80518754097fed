// SPDX-License-Identifier: Apache-2.0
#include "libs/store/collect.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/store/folder.h"
#include "libs/store/layers.h"

namespace stave::store {
namespace {

constexpr char kBlobs[] = "images/blobs/sha256";
constexpr char kLayers[] = "layers";

// The digests that name something in `folder` and are to go.
absl::StatusOr<std::vector<oci::Digest>> Unneeded(const Store& store, const char* folder,
                                                  const std::unordered_set<oci::Digest>& needed,
                                                  const std::unordered_set<oci::Digest>* among) {
  STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFolder(store.state(), folder));
  std::vector<oci::Digest> found;
  for (const std::string& name : names) {
    auto digest = oci::Digest::Parse("sha256:" + name);
    if (!digest.ok() || needed.count(*digest) != 0) continue;
    if (among == nullptr || among->count(*digest) != 0) found.push_back(*std::move(digest));
  }
  std::sort(found.begin(), found.end());
  return found;
}

absl::StatusOr<bool> MoveAll(const Store& store, const char* folder, const char* prefix,
                             const std::vector<oci::Digest>& digests, TrashFolder* trash) {
  if (digests.empty()) return false;
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd fd, base::OpenDirAt(store.state(), folder));
  bool any = false;
  for (const oci::Digest& digest : digests) {
    bool moved = false;
    STAVE_RETURN_IF_ERROR(
        trash->Take(fd.get(), digest.hex(), absl::StrCat(prefix, digest.hex()), &moved));
    any = any || moved;
  }
  if (any && ::fsync(fd.get()) < 0) return base::PosixError(errno, folder, "fsync");
  return any;
}

}  // namespace

absl::StatusOr<Collected> FindUnneeded(const Store& store, const Marked& needed,
                                       const Marked* among) {
  Collected found;
  STAVE_ASSIGN_OR_RETURN(found.blobs, Unneeded(store, kBlobs, needed.blobs,
                                               among == nullptr ? nullptr : &among->blobs));
  STAVE_ASSIGN_OR_RETURN(found.layers, Unneeded(store, kLayers, needed.layers,
                                                among == nullptr ? nullptr : &among->layers));
  for (const oci::Digest& blob : found.blobs) {
    struct stat st;
    const std::string path = absl::StrCat(kBlobs, "/", blob.hex());
    if (::fstatat(store.state(), path.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) {
      found.bytes += st.st_size;
    }
  }
  for (const oci::Digest& key : found.layers) {
    if (const auto meta = ReadLayerMeta(store, key); meta.ok()) found.bytes += meta->size;
  }
  return found;
}

absl::Status CheckUndamaged(const std::vector<Damage>& damage) {
  if (damage.empty()) return absl::OkStatus();
  return base::WithHint(
      base::Error(absl::StatusCode::kDataLoss, "E_CORRUPT",
                  absl::StrCat("nothing was deleted: ", damage.front().why.message())),
      "store-check tells what is damaged, and what mends it");
}

absl::Status MoveToTrash(const Store& store, const Collected& unneeded, TrashFolder* trash) {
  STAVE_ASSIGN_OR_RETURN(const bool blobs, MoveAll(store, kBlobs, "blob-", unneeded.blobs, trash));
  STAVE_ASSIGN_OR_RETURN(const bool layers,
                         MoveAll(store, kLayers, "layer-", unneeded.layers, trash));
  return blobs || layers ? trash->Sync() : absl::OkStatus();
}

}  // namespace stave::store
