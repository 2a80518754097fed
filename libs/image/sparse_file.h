// SPDX-License-Identifier: Apache-2.0
//
// A file of a layer that has holes: only what the tar stores is written.

#ifndef STAVE_LIBS_IMAGE_SPARSE_FILE_H_
#define STAVE_LIBS_IMAGE_SPARSE_FILE_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/archive/tar_reader.h"

namespace stave::image {

// Writes the data of the entry that `tar` is at to its places in `fd`, an empty file at its
// beginning, and makes it `size` bytes long. Returns how many bytes of disk it takes at most: a
// hostile map touches a page of 4096 bytes for each byte of data. Errors: those of `tar` and of the
// system calls, which begin with `noun`.
absl::StatusOr<uint64_t> WriteSparseFile(archive::TarReader* tar, uint64_t size, int fd,
                                         absl::string_view noun);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_SPARSE_FILE_H_
