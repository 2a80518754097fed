// SPDX-License-Identifier: Apache-2.0
#include "libs/base/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "libs/base/posix.h"

namespace stave::base {

absl::StatusOr<Pipe> MakePipe(absl::string_view noun) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return PosixError(errno, noun, "pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

}  // namespace stave::base
