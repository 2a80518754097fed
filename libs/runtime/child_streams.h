// SPDX-License-Identifier: Apache-2.0
//
// The child's streams, signals and descriptors, and the execution of stave-init, which is its last
// act. Internal to libs/runtime.

#ifndef STAVE_LIBS_RUNTIME_CHILD_STREAMS_H_
#define STAVE_LIBS_RUNTIME_CHILD_STREAMS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/unique_fd.h"
#include "libs/runtime/launch.h"
#include "libs/runtime/plan.h"

namespace stave::runtime {

// A pty of the container's own devpts.
struct Terminal {
  base::UniqueFd master, slave;
};

// Opens a pty through `pts`, a devpts (checked), owned by the process's user and of the size that
// it asks for. Errors: InvalidArgument [E_DOCUMENT] if it is no devpts.
absl::StatusOr<Terminal> OpenTerminal(int pts, const Process& process);

// Puts in, out and err (or the terminal's slave) on 0, 1 and 2. Pipes are given to process.uid, so
// that a payload of another user can open /dev/stdout; what has a name is the caller's.
absl::Status SetStreams(int in, int out, int err, const Terminal& terminal, const Process& process);

// Everything above 2 + preserved is closed by the next execve(2). Before a filter is loaded, which
// may forbid it; what is opened later is O_CLOEXEC.
absl::Status CloseOnExec(int preserved);

// Closes every descriptor from `first` on but those of `kept`.
void CloseAllBut(std::vector<int> kept, int first);

// How stave-init is to go about its work; init/stave_init.cc.
struct InitOrder {
  int program = -1;       // sealed memfd of it
  int report = -1;        // where the errno of a failed execve(2) goes
  int ready = -1;         // where SendReady() goes: the report of Launch() itself
  int gate = -1;          // wait here for a byte first; -1: do not
  int parent = -1;        // pidfd of whom the payload is to die with; -1: nobody
  bool reap = false;      // --init
  bool fork = false;      // make the payload as a child of the caller's, and tell its pid
  bool terminal = false;  // 0 becomes the controlling terminal of the payload's new session
};

// The sealed memfd, above the numbers that the child puts things on.
absl::StatusOr<base::UniqueFd> SealedInit();

// Executes stave-init, which executes `program` with args and env of `process`. Returns on failure.
absl::Status Execute(const InitOrder& order, const Process& process, const std::string& program);

// The payload goes when the parent goes, who may be gone already: its pidfd tells. Comes after the
// change of ids, which clears it: prctl(2) PR_SET_PDEATHSIG.
absl::Status DieWithParent(int parent);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_CHILD_STREAMS_H_
