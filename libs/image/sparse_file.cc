// SPDX-License-Identifier: Apache-2.0
#include "libs/image/sparse_file.h"

#include <errno.h>
#include <unistd.h>

#include <algorithm>

#include "libs/base/posix.h"
#include "libs/base/status_macros.h"

namespace stave::image {
namespace {

constexpr uint64_t kPage = 4096;

}  // namespace

absl::StatusOr<uint64_t> WriteSparseFile(archive::TarReader* tar, uint64_t size, int fd,
                                         absl::string_view noun) {
  uint64_t at = 0, pages = 0, next_page = 0;
  while (true) {
    STAVE_ASSIGN_OR_RETURN(const absl::string_view data, tar->ReadData());
    if (data.empty()) break;
    const uint64_t position = tar->position();
    if (position != at && ::lseek(fd, static_cast<off_t>(position), SEEK_SET) < 0) {
      return base::PosixError(errno, noun, "seek");
    }
    STAVE_RETURN_IF_ERROR(base::WriteAll(fd, data, noun));
    at = position + data.size();
    const uint64_t first = std::max(position / kPage, next_page);
    next_page = (at + kPage - 1) / kPage;
    pages += next_page - first;
  }
  if (at != size && ::ftruncate(fd, static_cast<off_t>(size)) < 0) {
    return base::PosixError(errno, noun, "make a hole");
  }
  return pages * kPage;
}

}  // namespace stave::image
