// SPDX-License-Identifier: Apache-2.0
//
// Where an open file is: /proc/self/fd/N of proc_pid_fd(5).

#ifndef STAVE_LIBS_BASE_FD_PATH_H_
#define STAVE_LIBS_BASE_FD_PATH_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stave::base {

// The absolute path of what `fd` is open on, without symlinks, as it is at this moment; one that
// has been removed ends in " (deleted)". `noun` names it in messages. Errors: those of readlink(2).
absl::StatusOr<std::string> FdPath(int fd, absl::string_view noun);

}  // namespace stave::base

#endif  // STAVE_LIBS_BASE_FD_PATH_H_
