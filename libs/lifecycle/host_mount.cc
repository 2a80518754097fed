// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/host_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "libs/base/posix.h"
#include "libs/base/status_macros.h"

namespace stave::lifecycle {
namespace {

absl::StatusOr<struct statx> Look(const std::string& rootfs) {
  struct statx seen {};
  if (::statx(AT_FDCWD, rootfs.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_MNT_ID,
              &seen) < 0) {
    return base::PosixError(errno, rootfs, "look at");
  }
  return seen;
}

}  // namespace

absl::StatusOr<uint64_t> MountAt(const std::string& rootfs) {
  STAVE_ASSIGN_OR_RETURN(const struct statx seen, Look(rootfs));
  return seen.stx_mnt_id;
}

absl::Status Uncover(const std::string& rootfs, uint64_t before) {
  const auto seen = Look(rootfs);
  if (absl::IsNotFound(seen.status())) return absl::OkStatus();
  if (!seen.ok()) return seen.status();
  if (seen->stx_mnt_id == before || (seen->stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0) {
    return absl::OkStatus();
  }
  // lint: umount2(2) takes no descriptor
  if (::umount2(rootfs.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) return absl::OkStatus();
  return base::PosixError(errno, rootfs, "umount");
}

}  // namespace stave::lifecycle
