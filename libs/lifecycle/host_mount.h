// SPDX-License-Identifier: Apache-2.0
//
// A container without a mount namespace of its own: its root and all that is mounted in it lie in
// the caller's mount tree, over the bundle's rootfs, until delete takes them off.

#ifndef STAVE_LIBS_LIFECYCLE_HOST_MOUNT_H_
#define STAVE_LIBS_LIFECYCLE_HOST_MOUNT_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace stave::lifecycle {

// Which mount `rootfs` belongs to: statx(2) STX_MNT_ID. Never 0.
absl::StatusOr<uint64_t> MountAt(const std::string& rootfs);

// Takes off what is mounted exactly at `rootfs`, with all below it, unless that is `before`: what
// was there before the container was. Nothing there is fine. Errors: those of umount(2).
absl::Status Uncover(const std::string& rootfs, uint64_t before);

}  // namespace stave::lifecycle

#endif  // STAVE_LIBS_LIFECYCLE_HOST_MOUNT_H_
