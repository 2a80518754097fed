// SPDX-License-Identifier: Apache-2.0
//
// A pipe(2) whose ends close by themselves, both O_CLOEXEC.

#ifndef STAVE_LIBS_BASE_PIPE_H_
#define STAVE_LIBS_BASE_PIPE_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/base/unique_fd.h"

namespace stave::base {

struct Pipe {
  UniqueFd reader, writer;
};

// `noun`: whose it is, for the message. Errors: those of pipe2(2).
absl::StatusOr<Pipe> MakePipe(absl::string_view noun);

}  // namespace stave::base

#endif  // STAVE_LIBS_BASE_PIPE_H_
