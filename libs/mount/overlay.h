// SPDX-License-Identifier: Apache-2.0
//
// A root filesystem from layers: one overlay, made as a detached mount.
//
// It must be made in the user namespace that owns the store: mounted from inside a container's user
// namespace, `trusted.overlay.*` is not read, opaque folders lose their meaning and deleted files
// come back. redirect_dir, metacopy, index and xino are always off: layer-diff reads the upper
// directory.
//
// More lower directories than an option string holds (255 bytes a value before Linux 6.7, which has
// no `lowerdir+`): see MakeOverlay.
//
// Sources: kernel filesystems/overlayfs.rst.

#ifndef STAVE_LIBS_MOUNT_OVERLAY_H_
#define STAVE_LIBS_MOUNT_OVERLAY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"

namespace stave::mount {

enum class Syncing {
  kNormal,
  kVolatile,  // "volatile": fsync does nothing, for containers that a reboot may forget
};

struct Overlay {
  std::vector<std::string> lower;  // absolute, the top one first; at least one
  std::string upper, work;         // absolute; both empty: read-only
  Syncing syncing = Syncing::kNormal;
  // A user namespace whose ids the layers are shown with, so that its root owns what root owns in
  // the image; what is written there is stored with the image's ids. -1: as they are. Borrowed.
  // Then `upper` and `work` must be named "upper" and "work" and lie in one directory.
  int id_map = -1;
  // With id_map: the host's ids of root there, as whom the kernel then works in `work`.
  uint32_t root_uid = 0, root_gid = 0;
};

// The most lower directories that the kernel takes (OVL_MAX_STACK).
inline constexpr size_t kMaxLower = 500;

// A detached overlay mount. Nothing is left behind on failure. A read-only one of a single layer is
// a read-only bind, which overlay cannot make.
// Before `lowerdir+` (Linux 6.7), and for idmapped layers (5.19), which must be attached somewhere,
// a child in a mount namespace of its own makes the mount from a private folder of short names and
// hands a detached clone back.
// Errors: InvalidArgument (no lower directory); ResourceExhausted [E_LIMIT] (more than kMaxLower,
// of which the kernel says EINVAL); those of mount (a file system that cannot be idmapped:
// InvalidArgument [E_INVALID]), and of mkdir(2) in `work`: one with an upper directory is writable.
absl::StatusOr<base::UniqueFd> MakeOverlay(const Overlay& overlay);

}  // namespace stave::mount

#endif  // STAVE_LIBS_MOUNT_OVERLAY_H_
