// SPDX-License-Identifier: Apache-2.0
//
// Applies one layer's tar stream to an empty directory.
//
// What is below is not seen, so the rules are those of the layer alone (image-spec layer.md):
// - a directory over a directory changes its attributes; anything else over anything removes what
//   was there (with all below it) and creates; of two entries of one path the last wins;
// - `.wh.NAME` becomes a char device 0:0 unless the layer itself has NAME, in whatever order; if
//   that NAME is a directory, it is opaque instead. `.wh..wh..opq`, wherever it stands, makes its
//   directory opaque towards the layers below; whiteouts in and below an opaque directory are left
//   out, since there is nothing to hide. Other `.wh..wh.*` (AUFS) are ignored;
// - a parent that is a symlink of this layer is followed inside the layer's root, and what is
//   missing is made: `var/run -> /run`, then `var/run/x` is `run/x`. A parent that only a lower
//   layer has as a symlink becomes a real directory and hides it, as when Docker's overlay2 and
//   containerd's overlay snapshotter apply a layer to its own folder (umoci, which has the whole
//   root at hand, follows it);
// - missing parents are made, mode 0755, and reported; a hard link whose target is not in this
//   layer is only reported. Settle() (libs/image/settle.h) finishes both;
// - holes of sparse files stay holes;
// - xattrs: user.* but user.overlay.*, and security.capability; others are dropped and counted.
//
// Every file is made O_EXCL by its last component below the descriptor of a directory that is known
// to be one; such a directory is opened with openat2(BENEATH|NO_SYMLINKS|NO_MAGICLINKS).
// Directories are remembered (some 200 bytes each) and get their attributes at the end.
//
// Privilege: CHOWN, DAC_OVERRIDE, FOWNER, FSETID, MKNOD, SETFCAP for what the entries ask. The
// process's umask must be 0 and no other process may write below the directory.

#ifndef STAVE_LIBS_IMAGE_UNPACK_H_
#define STAVE_LIBS_IMAGE_UNPACK_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "libs/archive/byte_source.h"
#include "libs/image/unpack_report.h"

namespace stave::image {

struct UnpackLimits {
  // Of the uncompressed stream; of a sparse file with its holes; of the pages of all sparse files.
  uint64_t bytes = uint64_t{32} << 30;
  uint64_t entries = 5'000'000;  // and directories made without an entry
};

// Unpacks `tar`, the plain stream, into `dirfd`. It is read to its end, in a thread of its own.
// Errors, each with the entry's name: InvalidArgument [E_TAR], [E_TAR_ESCAPE];
// ResourceExhausted [E_LIMIT]; those of the tar reader, of `tar` and of the system calls. If it
// fails, the directory is left half filled: remove it.
absl::StatusOr<UnpackReport> Unpack(archive::ByteSource* tar, int dirfd,
                                    const UnpackLimits& limits);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_UNPACK_H_
