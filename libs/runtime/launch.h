// SPDX-License-Identifier: Apache-2.0
//
// Starting a container's first process: clone, the set-up in the child, exec of the payload.
//
// The parent opens everything that is on the host (sources of binds, namespaces to join, cgroup
// entries, the sealed stave_init) before the clone; the child attaches, pivots, gives up what the
// payload must not have, and executes. The parent sleeps in clone(2) (CLONE_VFORK) until then,
// unless a user namespace needs its maps written.

#ifndef STAVE_LIBS_RUNTIME_LAUNCH_H_
#define STAVE_LIBS_RUNTIME_LAUNCH_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"
#include "libs/cgroup/cgroup.h"
#include "libs/runtime/plan.h"
#include "libs/seccomp/compile.h"

namespace stave::runtime {

enum class Reaper {
  kPayload,  // the payload is process 1
  kInit,     // --init: a small process 1 reaps orphans and passes signals on
};

// Whose ids the root filesystem's files have where the container has a user namespace.
enum class Ownership {
  kHost,       // the host's: root of the container owns none of them
  kContainer,  // idmapped: root of the container owns what root owns
};

struct LaunchRequest {
  const Plan* plan = nullptr;             // borrowed
  int root = -1;                          // a detached mount; borrowed, attached by the child
  const cgroup::Cgroup* group = nullptr;  // borrowed; nullptr: stay in the caller's
  int in = 0, out = 1, err = 2;           // what becomes 0, 1, 2 without a terminal
  Reaper reaper = Reaper::kPayload;
  Ownership ownership = Ownership::kHost;
  const seccomp::Program* filter = nullptr;  // borrowed; nullptr: none (filter_cache.h)
};

// The running first process.
struct Launched {
  pid_t pid = -1;
  base::UniqueFd pidfd;
  base::UniqueFd terminal;            // the pty's master, with plan->process.terminal
  std::vector<std::string> warnings;  // best-effort settings that the kernel refused
};

// Returns when the payload's file has been executed. It dies with the caller (PDEATHSIG).
// On failure no process is left, and the status has an exit code (report.h).
absl::StatusOr<Launched> Launch(const LaunchRequest& request);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_LAUNCH_H_
