// SPDX-License-Identifier: Apache-2.0
//
// What is done to a container that runs: pause, resume, update; and who is in it.

#ifndef STAVE_LIBS_LIFECYCLE_CONTROL_H_
#define STAVE_LIBS_LIFECYCLE_CONTROL_H_

#include <sys/types.h>

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/json/value.h"
#include "libs/lifecycle/root.h"

namespace stave::lifecycle {

// Freezes a container that is created or running. Errors: NotFound (Container::Open);
// FailedPrecondition [E_NOT_RUNNING] `container not running`, [E_STATE] `container is paused
// already`; those of the freezer.
absl::Status Pause(const Root& root, absl::string_view id);

// Errors: NotFound; FailedPrecondition [E_STATE] `container not paused`.
absl::Status Resume(const Root& root, absl::string_view id);

// Changes limits: `resources` is a linux.resources object of which absent members stay as they are,
// what `--resources` has, or made from update's flags by the caller. Zeros and empty lists ask for
// nothing, as with runc (engines send them for what they do not mean).
// Errors: NotFound; FailedPrecondition [E_NOT_RUNNING] for a stopped one; those of the limits.
absl::Status Update(const Root& root, absl::string_view id, const json::Value& resources);

// The processes of the container's cgroup and those below, as seen here, sorted.
// Errors: NotFound. One that is stopped has none, or those that its first process left.
absl::StatusOr<std::vector<pid_t>> Processes(const Root& root, absl::string_view id);

}  // namespace stave::lifecycle

#endif  // STAVE_LIBS_LIFECYCLE_CONTROL_H_
