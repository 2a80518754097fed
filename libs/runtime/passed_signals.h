// SPDX-License-Identifier: Apache-2.0
//
// The signals that whoever runs a payload in the foreground passes on to it.

#ifndef STAVE_LIBS_RUNTIME_PASSED_SIGNALS_H_
#define STAVE_LIBS_RUNTIME_PASSED_SIGNALS_H_

#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"

namespace stave::runtime {

// Blocks them in this process, and returns a signalfd(2) of them, non-blocking. Not among them:
// what cannot be passed on, what belongs to the caller's own children and pipes, and what stops a
// background job that touches its terminal. Errors: those of signalfd(2).
absl::StatusOr<base::UniqueFd> BlockPassedSignals();

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_PASSED_SIGNALS_H_
