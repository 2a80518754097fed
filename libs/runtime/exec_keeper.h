// SPDX-License-Identifier: Apache-2.0
//
// Who stays with a process that nobody watches any more: one that keeps reading its terminal (what
// writes to one that nobody reads stands still, and one that is closed hangs up), and, where the
// process is its child, reaps it. Without that, a container's first process could not end before
// the host's process 1 has reaped what others brought in: pid_namespaces(7).

#ifndef STAVE_LIBS_RUNTIME_EXEC_KEEPER_H_
#define STAVE_LIBS_RUNTIME_EXEC_KEEPER_H_

#include <functional>

#include "absl/status/status.h"
#include "libs/base/unique_fd.h"
#include "libs/runtime/foreground.h"
#include "libs/runtime/launch.h"

namespace stave::runtime {

// In a child of fork(2): leaves the caller's session, signals and working directory.
void LeaveCaller();

// Reads and drops what comes from launched->terminal, and waits for the process, a child of the
// caller: `ended` is told how it ended, at once. Returns when it has, and nobody has the terminal
// open any more.
void Attend(Launched* launched, const std::function<void(const Ended&)>& ended);

// Leaves a process behind that reads the pty of `master` until nobody has it open, and nothing else
// of the caller's. Returns when it has left the caller's session, whose end would be its own.
// Errors: those of pipe(2) and fork(2).
absl::Status LeaveReader(int master);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_EXEC_KEEPER_H_
