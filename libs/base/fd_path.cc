// SPDX-License-Identifier: Apache-2.0
#include "libs/base/fd_path.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "libs/base/posix.h"

namespace stave::base {

absl::StatusOr<std::string> FdPath(int fd, absl::string_view noun) {
  char path[PATH_MAX];
  const ssize_t size =
      ::readlink(absl::StrCat("/proc/self/fd/", fd).c_str(), path, sizeof path - 1);
  if (size < 0) return PosixError(errno, noun, "resolve");
  return std::string(path, static_cast<size_t>(size));
}

}  // namespace stave::base
