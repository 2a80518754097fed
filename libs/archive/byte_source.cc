// SPDX-License-Identifier: Apache-2.0
#include "libs/archive/byte_source.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>

#include "libs/base/posix.h"

namespace stave::archive {

absl::StatusOr<size_t> FdSource::Read(char* to, size_t size) {
  ssize_t got;
  do {
    got = ::read(fd_, to, size);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return base::PosixError(errno, noun_, "read");
  return static_cast<size_t>(got);
}

absl::StatusOr<size_t> MemorySource::Read(char* to, size_t size) {
  const size_t got = std::min({size, piece_, rest_.size()});
  if (got > 0) memcpy(to, rest_.data(), got);
  rest_.remove_prefix(got);
  return got;
}

}  // namespace stave::archive
