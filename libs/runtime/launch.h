// SPDX-License-Identifier: Apache-2.0
//
// Starting a container's first process: clone, the set-up in the child, exec of the payload.
//
// The parent opens everything that is on the host (sources of binds, namespaces to join, cgroup
// entries, the sealed stave_init) before the clone; the child attaches, pivots, gives up what the
// payload must not have, and executes. The parent sleeps in clone(2) (CLONE_VFORK) until then,
// unless it has something to do meanwhile: maps of a user namespace, hooks, a seccomp listener.

#ifndef STAVE_LIBS_RUNTIME_LAUNCH_H_
#define STAVE_LIBS_RUNTIME_LAUNCH_H_

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
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

enum class Lifetime {
  kWithCaller,  // the payload dies with the thread that launched it (PR_SET_PDEATHSIG)
  kOnItsOwn,    // it is whoever reaps orphans that gets it
};

// How a container is created by one process and started by another. Both are FIFOs that were opened
// O_RDWR, so that the container itself keeps them alive; start_gate.h is the other side.
struct StartGate {
  int gate = -1;    // stave-init waits here for a byte before it executes the payload
  int report = -1;  // and tells here what went wrong then
};

// What the caller knows of the container, for those who are told: hooks, a seccomp listener.
// state("created", pid) is the JSON of runtime-spec runtime.md "State".
using StateText = std::function<std::string(absl::string_view status, pid_t pid)>;

struct LaunchRequest {
  const Plan* plan = nullptr;             // borrowed
  int root = -1;                          // a detached mount; borrowed, attached by the child
  const cgroup::Cgroup* group = nullptr;  // borrowed; nullptr: stay in the caller's
  int in = 0, out = 1, err = 2;           // what becomes 0, 1, 2 without a terminal
  Reaper reaper = Reaper::kPayload;
  Ownership ownership = Ownership::kHost;
  const seccomp::Program* filter = nullptr;  // borrowed; nullptr: none (filter_cache.h)
  Lifetime lifetime = Lifetime::kWithCaller;
  StartGate start;  // set: Launch returns when the container is created, not yet started
  // Descriptors 3 .. 2+n go to the payload. The caller has seen, before it opened anything, that
  // they are open: a number that is free would be one of ours by now.
  int preserved = 0;
  bool keyring = true;  // a session keyring of its own
  bool pivot = true;    // false: MS_MOVE and chroot(2), for a root on a ramfs
  // Where the root is attached before it becomes /: what hooks see until then, and where it stays
  // without a mount namespace. "": out of the way of everything.
  std::string root_path;
  // Runs in the caller when the container's environment is made and before its root becomes /:
  // prestart and createRuntime. An error ends the launch.
  std::function<absl::Status(pid_t pid)> created;
  StateText state;  // needed with createContainer and startContainer hooks and with a listener
};

// The running first process.
struct Launched {
  pid_t pid = -1;
  base::UniqueFd pidfd;
  base::UniqueFd terminal;            // the pty's master, with plan->process.terminal
  std::vector<std::string> warnings;  // best-effort settings that the kernel refused
};

// Returns when the payload's file has been executed, or, with a start gate, when nothing is left
// to be done but that. On failure no process is left, and the status has an exit code (report.h).
// A pid namespace to join makes this process's own program visible in it for a moment: see
// sealed_self.h.
absl::StatusOr<Launched> Launch(const LaunchRequest& request);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_LAUNCH_H_
