// SPDX-License-Identifier: Apache-2.0
//
// Between create and start: two FIFOs in the state directory of a container.
//
//   exec.fifo     the container waits for a byte; gone once it has been started
//   started.fifo  four bytes of errno if its execve(2) failed, or a report.h text; its end if not.
//                 Before it perhaps report.h's doubt
//
// Both ends that wait are held by the container itself, opened O_RDWR. So a FIFO that nobody has
// open means that the container has gone.

#ifndef STAVE_LIBS_RUNTIME_START_GATE_H_
#define STAVE_LIBS_RUNTIME_START_GATE_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/base/unique_fd.h"
#include "libs/runtime/launch.h"

namespace stave::runtime {

// The FIFOs of a container that is about to be made, in the directory `dirfd`.
struct GateFiles {
  base::UniqueFd gate, report;
  StartGate ends() const { return {gate.get(), report.get()}; }
};
absl::StatusOr<GateFiles> MakeStartGate(int dirfd);

// Whether the container of `dirfd` has not been started yet.
bool IsGated(int dirfd);

// Lets it run, and waits until the payload (`program`, for messages) has been executed. The caller
// holds the container's lock. Errors: FailedPrecondition if it has been started already or has
// gone; those of the execve(2), with an exit code (report.h), when the container is ending.
absl::Status OpenStartGate(int dirfd, absl::string_view program);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_START_GATE_H_
