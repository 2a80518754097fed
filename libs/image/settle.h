// SPDX-License-Identifier: Apache-2.0
//
// The last step of unpacking a layer, by the trusted caller of stave-unpack, once the layers below
// are there:
// - marks opaque directories (the helper has not the privilege); overlayfs does not look at a mark
// of
//   a layer's root, so for an opaque root what is below is hidden name by name;
// - gives implied parents the owner, mode, mtime and xattrs of the topmost lower directory of that
//   path that can be seen through whiteouts and opaque directories;
// - drops whiteouts that hide nothing;
// - makes hard links whose target is below, by copying the file up: lower layers are never
//   written to and never linked to.

#ifndef STAVE_LIBS_IMAGE_SETTLE_H_
#define STAVE_LIBS_IMAGE_SETTLE_H_

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "libs/image/unpack_report.h"

namespace stave::image {

// Which attributes the overlay mount will read: trusted.overlay.* as root, user.overlay.* with
// the mount option userxattr.
enum class OverlayAttributes { kTrusted, kUser };

// Finishes the tree at `layer` (a directory descriptor that can be read) on top of `lowers`, the
// directories of the layers below, topmost first. mtimes of the directories it works in are kept.
// Errors: InvalidArgument [E_TAR] for a hard link whose target is nowhere or a directory; those of
// the system calls. If it fails, the tree is half settled: remove it.
absl::Status Settle(int layer, const UnpackReport& report, absl::Span<const int> lowers,
                    OverlayAttributes attributes);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_SETTLE_H_
