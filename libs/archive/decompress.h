// SPDX-License-Identifier: Apache-2.0
//
// The plain bytes of a layer or archive: gzip, zstd or nothing, told by the first bytes and never
// by a media type or a name (mislabelled layers exist).
//
//   1f 8b                       gzip, RFC 1952: all members one stream, CRC and length checked
//   28 b5 2f fd, 5x 2a 4d 18    zstd, RFC 8878: all frames one stream, skippable ones skipped
//   "ustar" at byte 257         plain tar, whatever the first bytes are
//   xz, bzip2, lzip, lzma, lz4, compress, zip, 7z, rar, cpio: Unimplemented [E_UNSUPPORTED]
//   anything else               as it is (the tar reader will judge)
//
// Memory: 256 KiB of input, gzip's 32 KiB window, zstd's window of at most 128 MiB (more:
// [E_LIMIT]). ISA-L is a shared library on Debian: programs with this are dynamic.

#ifndef STAVE_LIBS_ARCHIVE_DECOMPRESS_H_
#define STAVE_LIBS_ARCHIVE_DECOMPRESS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "libs/archive/byte_source.h"

namespace stave::archive {

// Reads the first bytes of `packed`, which it borrows, and returns the source of the plain ones.
// Errors: those of `packed`; Unimplemented [E_UNSUPPORTED]. The returned source's Read: DataLoss
// [E_CORRUPT] when the stream is cut short, damaged, or has bytes after its end;
// ResourceExhausted [E_LIMIT] for a zstd window over 128 MiB.
absl::StatusOr<std::unique_ptr<ByteSource>> Decompress(ByteSource* packed);

}  // namespace stave::archive

#endif  // STAVE_LIBS_ARCHIVE_DECOMPRESS_H_
