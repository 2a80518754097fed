// SPDX-License-Identifier: Apache-2.0
//
// kill: a signal to a container's first process, or to all of it.

#ifndef STAVE_LIBS_LIFECYCLE_KILL_H_
#define STAVE_LIBS_LIFECYCLE_KILL_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "libs/lifecycle/root.h"

namespace stave::lifecycle {

enum class Whom {
  kFirst,  // through its pidfd: never a stranger
  kAll,    // every process of its cgroup; none left is fine
};

// `signal` is 1..64 (base::ParseSignal). SIGKILL thaws a paused container, else it would wait there
// for ever. Errors: NotFound (Container::Open); FailedPrecondition [E_NOT_RUNNING] `container not
// running` for one that is stopped, with kFirst.
absl::Status Kill(const Root& root, absl::string_view id, int signal, Whom whom);

}  // namespace stave::lifecycle

#endif  // STAVE_LIBS_LIFECYCLE_KILL_H_
