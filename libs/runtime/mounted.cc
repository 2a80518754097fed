// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/mounted.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/base/atomic_file.h"
#include "libs/base/error.h"
#include "libs/base/fd_path.h"
#include "libs/base/id.h"
#include "libs/base/lock.h"
#include "libs/base/mountinfo.h"
#include "libs/base/posix.h"
#include "libs/base/process.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/mount/overlay.h"
#include "libs/mount/tree.h"
#include "libs/oci/stave_member.h"
#include "libs/runtime/rootfs.h"
#include "libs/store/folder.h"
#include "libs/store/lease.h"

namespace stave::runtime {
namespace {

constexpr size_t kMaxMountinfo = size_t{16} << 20;

struct Target {
  base::UniqueFd fd;
  std::string path;  // absolute, resolved
};

absl::StatusOr<Target> OpenTarget(const std::string& path) {
  Target target;
  target.fd = base::UniqueFd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!target.fd.valid()) return base::PosixError(errno, path, "open directory");
  STAVE_ASSIGN_OR_RETURN(target.path, base::FdPath(target.fd.get(), path));
  return target;
}

// The folder, locked while somebody makes or removes what is in it: what another finds there half
// made or half removed is a dead one's.
struct Mounts {
  base::UniqueFd fd;
  base::UniqueFd lock;
};

absl::StatusOr<Mounts> OpenMounts(const store::Store& store) {
  Mounts mounts;
  STAVE_RETURN_IF_ERROR(base::MakeDirAt(store.state(), "mounts", 0700));
  STAVE_ASSIGN_OR_RETURN(mounts.fd, base::OpenDirAt(store.state(), "mounts"));
  STAVE_ASSIGN_OR_RETURN(mounts.lock,
                         base::LockFileAt(mounts.fd.get(), ".lock", base::LockMode::kExclusive));
  return mounts;
}

// `boot` in a home: it is mounted, in this boot or another. It is written after the mount and
// removed before it.
absl::Status MarkMounted(int mounts, const std::string& id, const std::string& boot) {
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd home, base::OpenDirAt(mounts, id));
  return base::ReplaceFileAt(home.get(), "boot", boot, 0600, base::Durability::kVolatile);
}

absl::Status MakeHome(int mounts, const std::string& id, const std::string& path, ImageRoot* root) {
  STAVE_RETURN_IF_ERROR(base::MakeDirAt(mounts, id, 0700));
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd home, base::OpenDirAt(mounts, id));
  return MakeUpper(home.get(), path, root);
}

// The upper directories on which nothing is mounted: those of another boot, and those whose
// layer-mount was killed on its way. One that it had mounted by then is kept.
void RemoveUnmounted(int mounts, const std::string& boot) {
  const auto ids = store::ListFolder(mounts, ".");
  if (!ids.ok() || ids->empty()) return;
  const auto mountinfo = base::ReadFileAt(AT_FDCWD, "/proc/self/mountinfo", kMaxMountinfo);
  for (const std::string& id : *ids) {
    const auto written = base::ReadFileAt(mounts, absl::StrCat(id, "/boot"), 64);
    if (!base::IsId(id) || !mountinfo.ok() || (written.ok() && *written == boot)) continue;
    if (written.ok() || !absl::StrContains(*mountinfo, absl::StrCat("/mounts/", id, "/upper"))) {
      base::RemoveTreeAt(mounts, id).IgnoreError();
    } else {
      MarkMounted(mounts, id, boot).IgnoreError();
    }
  }
}

// The id of the folder whose upper/ is mounted at `path`, or of a read-only one "": the last line
// for that mount point is the mount on top. nullopt-like: an error.
absl::StatusOr<std::string> FindMounted(const store::Store& store, const std::string& path) {
  STAVE_ASSIGN_OR_RETURN(const std::string text,
                         base::ReadFileAt(AT_FDCWD, "/proc/self/mountinfo", kMaxMountinfo));
  const std::string ours = absl::StrCat(store.state_path(), "/mounts/");
  const std::string layers = absl::StrCat(store.state_path(), "/layers/");
  bool found = false;
  std::string id;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ');
    if (fields.size() < 7 || base::UnescapeMountinfo(fields[4]) != path) continue;
    id.clear();
    // Where the kernel has no lowerdir+, the options are short names, and the source is the upper
    // directory, or the top layer.
    const std::string source = base::UnescapeMountinfo(fields[fields.size() - 2]);
    std::vector<absl::string_view> words = absl::StrSplit(fields.back(), ',');
    words.push_back(source);
    for (absl::string_view word : words) {
      absl::ConsumePrefix(&word, "upperdir=");
      if (absl::ConsumePrefix(&word, ours)) id = std::string(word.substr(0, base::kIdLength));
    }
    found = !id.empty() || absl::StrContains(fields.back(), layers) ||
            absl::StartsWith(source, layers) ||
            absl::StrContains(base::UnescapeMountinfo(fields[3]), "/layers/");
  }
  if (!found || (!id.empty() && !base::IsId(id))) {
    return base::Error(
        absl::StatusCode::kFailedPrecondition, "E_NOT_MOUNTED",
        absl::StrCat(base::Printable(path), ": layer-mount has mounted nothing here"));
  }
  return id;
}

}  // namespace

absl::StatusOr<std::string> MountNow(const store::Store& store, const json::Value& document,
                                     const std::string& target) {
  // Until it is mounted, and the collector sees that.
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd published, store::LockToPublish(store));
  STAVE_ASSIGN_OR_RETURN(ImageRoot root, FindImageRoot(store, document));
  STAVE_ASSIGN_OR_RETURN(const oci::StaveMember member, oci::GetStaveMember(document));
  STAVE_ASSIGN_OR_RETURN(const Target at, OpenTarget(target));
  STAVE_ASSIGN_OR_RETURN(const std::string boot, base::BootId());
  STAVE_ASSIGN_OR_RETURN(const Mounts mounts, OpenMounts(store));
  RemoveUnmounted(mounts.fd.get(), boot);
  const std::string id = base::NewId();
  const bool writable = !member.rootfs_readonly;
  absl::Status done;
  if (writable) {
    done = MakeHome(mounts.fd.get(), id, absl::StrCat(store.state_path(), "/mounts/", id), &root);
  }
  if (done.ok()) {
    auto tree = mount::MakeOverlay(root.overlay);
    done = tree.ok() ? mount::Attach(tree->get(), at.fd.get(), at.path) : tree.status();
  }
  // Unmarked, it would be marked by the next call: no reason to take the mount away.
  if (done.ok() && writable) MarkMounted(mounts.fd.get(), id, boot).IgnoreError();
  if (done.ok()) return at.path;
  base::RemoveTreeAt(mounts.fd.get(), id).IgnoreError();
  return done;
}

absl::Status Unmount(const store::Store& store, const std::string& target) {
  std::string path;
  {
    STAVE_ASSIGN_OR_RETURN(const Target at, OpenTarget(target));
    path = at.path;
  }
  STAVE_ASSIGN_OR_RETURN(const std::string boot, base::BootId());
  STAVE_ASSIGN_OR_RETURN(const Mounts mounts, OpenMounts(store));
  STAVE_ASSIGN_OR_RETURN(const std::string id, FindMounted(store, path));
  if (!id.empty()) ::unlinkat(mounts.fd.get(), absl::StrCat(id, "/boot").c_str(), 0);
  // lint: umount2(2) takes no descriptor
  if (::umount2(path.c_str(), UMOUNT_NOFOLLOW) < 0) {
    const absl::Status failed = base::PosixError(errno, path, "umount");
    if (!id.empty()) MarkMounted(mounts.fd.get(), id, boot).IgnoreError();
    return failed;
  }
  return id.empty() ? absl::OkStatus() : base::RemoveTreeAt(mounts.fd.get(), id);
}

}  // namespace stave::runtime
