// SPDX-License-Identifier: Apache-2.0
//
// A mount that takes another namespace to make: a child joins or makes that one, and the caller
// stays where it is.

#ifndef STAVE_LIBS_RUNTIME_MADE_IN_CHILD_H_
#define STAVE_LIBS_RUNTIME_MADE_IN_CHILD_H_

#include <functional>

#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"

namespace stave::runtime {

// Runs `make` in a forked child and returns the descriptor that it has made. The caller has one
// thread. Errors: those of `make`, with code, word and message but no hint; those of fork(2) and
// socketpair(2); Internal if the child dies. No process is left.
absl::StatusOr<base::UniqueFd> MadeInChild(
    const std::function<absl::StatusOr<base::UniqueFd>()>& make);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_MADE_IN_CHILD_H_
