// SPDX-License-Identifier: Apache-2.0
//
// Ending a container, or sending its first process a signal.
//
// One with a monitor that answers is stopped by that, so that its restart policy knows that a user
// wanted it; any other directly: through a pidfd of the first process, whose identity is checked
// when it is opened, and through its cgroup. So no signal reaches a process that was given the
// number later.

#ifndef STAVE_LIBS_RUNTIME_STOP_H_
#define STAVE_LIBS_RUNTIME_STOP_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/store/store.h"

namespace stave::runtime {

// What is absent is as the container's document has it (libs/oci/life_member.h), else SIGTERM and
// ten seconds.
struct StopWishes {
  std::optional<int> signal;            // 1..64
  std::optional<absl::Duration> grace;  // before SIGKILL; InfiniteDuration(): never
};

// Sends the signal, waits for the grace, kills, and returns when the end has been written down. A
// paused container is thawed, else it could not end. One that does not run is fine, also one that
// is gone meanwhile (--rm). `id` is whole. Errors: NotFound [E_NO_CONTAINER]; DeadlineExceeded
// [E_TIMEOUT] if ten seconds after SIGKILL it has not ended, or nobody has written that down.
absl::Status Stop(const store::Store& store, const std::string& id, const StopWishes& wishes);

// Sends `signal` to the first process. SIGKILL goes to all of the container, thaws it, and its end
// is waited for as in Stop. A container that is restarting is not started again.
// Errors: NotFound [E_NO_CONTAINER]; FailedPrecondition [E_NOT_RUNNING] `container ID is not
// running`; DeadlineExceeded as above.
absl::Status SendSignal(const store::Store& store, const std::string& id, int signal);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_STOP_H_
