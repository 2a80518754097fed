// SPDX-License-Identifier: Apache-2.0
//
// start: lets a created container's payload run.

#ifndef STAVE_LIBS_LIFECYCLE_START_H_
#define STAVE_LIBS_LIFECYCLE_START_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "libs/lifecycle/root.h"
#include "libs/lifecycle/warn.h"

namespace stave::lifecycle {

// Returns when the payload has been executed and the poststart hooks have run.
// Errors: NotFound (Container::Open); FailedPrecondition [E_STATE] `cannot start a container that
// has stopped`, `cannot start an already running container`, `cannot start a container in the X
// state`; those of the payload's execve(2), after which the container is stopped; those of
// RunPoststart, after which it is deleted.
absl::Status Start(const Root& root, absl::string_view id, const Warn& warn);

}  // namespace stave::lifecycle

#endif  // STAVE_LIBS_LIFECYCLE_START_H_
