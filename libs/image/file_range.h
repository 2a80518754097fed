// SPDX-License-Identifier: Apache-2.0
//
// A part of a file, given to a sink in pieces.

#ifndef STAVE_LIBS_IMAGE_FILE_RANGE_H_
#define STAVE_LIBS_IMAGE_FILE_RANGE_H_

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace stave::image {

// Gives `sink` the `size` bytes from `offset` on, with pread(2): the file's own position stays.
// Errors: DataLoss [E_SIZE] if the file ends before; those of pread(2) and of `sink`. `noun` names
// the bytes in messages.
absl::Status ReadRange(int fd, int64_t offset, int64_t size, absl::string_view noun,
                       const std::function<absl::Status(absl::string_view)>& sink);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_FILE_RANGE_H_
