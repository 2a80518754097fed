// SPDX-License-Identifier: Apache-2.0
#include "libs/image/file_range.h"

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"

namespace stave::image {

absl::Status ReadRange(int fd, int64_t offset, int64_t size, absl::string_view noun,
                       const std::function<absl::Status(absl::string_view)>& sink) {
  constexpr int64_t kPiece = int64_t{256} << 10;
  const std::unique_ptr<char[]> buffer(new char[kPiece]);
  while (size > 0) {
    const ssize_t n =
        ::pread(fd, buffer.get(), static_cast<size_t>(std::min(size, kPiece)), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::PosixError(errno, noun, "read");
    if (n == 0) {
      return base::Error(absl::StatusCode::kDataLoss, "E_SIZE",
                         absl::StrCat(noun, ": the file ends ", size, " bytes too early"));
    }
    STAVE_RETURN_IF_ERROR(sink(absl::string_view(buffer.get(), static_cast<size_t>(n))));
    offset += n;
    size -= n;
  }
  return absl::OkStatus();
}

}  // namespace stave::image
