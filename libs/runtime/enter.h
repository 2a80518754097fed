// SPDX-License-Identifier: Apache-2.0
//
// One more process in a container that runs: what exec is.
//
// The child joins the container's cgroup and namespaces, becomes what process.json says, and
// executes the sealed stave-init, which makes the payload with fork(2): only that one is in the
// container's pid namespace. So nobody in the container ever sees a process of stave that holds
// more than the payload will (CVE-2016-9962, CVE-2019-5736).

#ifndef STAVE_LIBS_RUNTIME_ENTER_H_
#define STAVE_LIBS_RUNTIME_ENTER_H_

#include "absl/status/statusor.h"
#include "libs/cgroup/cgroup.h"
#include "libs/runtime/launch.h"
#include "libs/runtime/plan.h"
#include "libs/seccomp/compile.h"

namespace stave::runtime {

struct EnterRequest {
  const Process* process = nullptr;  // borrowed
  pid_t pid = -1;                    // of the container's first process
  int pidfd = -1;                    // the same process; borrowed
  // Borrowed; nullptr: stay in the caller's. Made with Cgroup::Open and OpenEntries.
  const cgroup::Cgroup* group = nullptr;
  int in = 0, out = 1, err = 2;
  const seccomp::Program* filter = nullptr;  // borrowed
  SeccompListener listener;
  Lifetime lifetime = Lifetime::kWithCaller;
  int preserved = 0;
  bool keyring = true;
  StateText state;  // with a listener
};

// Returns when the payload's file has been executed; the payload is a child of the caller. On
// failure no process is left, and the status has an exit code (report.h).
// Errors: FailedPrecondition `container not running` if the first process is gone.
absl::StatusOr<Launched> Enter(const EnterRequest& request);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_ENTER_H_
