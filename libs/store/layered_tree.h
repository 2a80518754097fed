// SPDX-License-Identifier: Apache-2.0
//
// A file of an image as the overlay mount would show it, read from the layers themselves.
//
//   top    etc/ (opaque)  etc/group            "etc/passwd": not there, etc/ hides what is below
//   base   etc/passwd     etc/group            "etc/group": the top one
//
// A whiteout is a character device 0:0; an opaque directory has the attribute
// trusted.overlay.opaque (or user.overlay.opaque, rootless) of value "y".
// Sources: kernel filesystems/overlayfs.rst "whiteouts and opaque directories"; openat2(2).

#ifndef STAVE_LIBS_STORE_LAYERED_TREE_H_
#define STAVE_LIBS_STORE_LAYERED_TREE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace stave::store {

// Reads the regular file `path`, symlinks followed within the tree that `layers` make, directory
// descriptors, topmost first. Never opens anything but regular files and directories.
// Errors: NotFound if it is not there or no regular file; ResourceExhausted [E_LIMIT] above `max`
// bytes; FailedPrecondition after 40 symlinks; those of openat(2).
absl::StatusOr<std::string> ReadLayeredFile(absl::Span<const int> layers, absl::string_view path,
                                            size_t max);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_LAYERED_TREE_H_
