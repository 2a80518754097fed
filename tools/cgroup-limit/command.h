// SPDX-License-Identifier: Apache-2.0
//
// A command in a cgroup of its own: made before it, gone after it.
//
//   RUN/cgroup-limit/cgroup-limit-PID-RANDOM   the path of the cgroup; locked while its maker lives
//
// A file there whose lock is free belongs to a cgroup-limit that was killed: the next one kills
// what is left in that cgroup and removes both.

#ifndef STAVE_TOOLS_CGROUP_LIMIT_COMMAND_H_
#define STAVE_TOOLS_CGROUP_LIMIT_COMMAND_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/cgroup/usage.h"
#include "libs/json/value.h"

namespace stave::cgroup_limit {

struct Command {
  std::vector<std::string> args;  // args[0] is looked for in PATH
  std::string parent;             // path of the cgroup to be below, "/stave"
  json::Value resources;          // linux.resources
};

struct Outcome {
  int code = 0;               // the command's own, 128+n for a signal, 126 or 127 if not executed
  absl::Status not_executed;  // why, for 126 and 127
  absl::Duration wall;
  cgroup::Usage usage;
};

// STAVE_RUN, else /run/stave, or $XDG_RUNTIME_DIR/stave for who is not root.
// Errors: FailedPrecondition if the user has no XDG_RUNTIME_DIR.
absl::StatusOr<std::string> RunRoot();

// Removes what killed runs have left. What cannot be removed now is left to the next call.
// Errors: those of making the folder RUN/cgroup-limit.
absl::Status SweepStale(const std::string& run_root);

// Runs the command with the caller's descriptors, environment and working directory, passes on
// signals that are sent to this process (those of the terminal reach the command by themselves),
// and waits. What the command leaves running in the cgroup is killed. When the caller dies, the
// command is killed. Errors: those of cgroup::PlanLimits and cgroup::Cgroup; then nothing has been
// run.
absl::StatusOr<Outcome> RunInCgroup(const std::string& run_root, const Command& command);

}  // namespace stave::cgroup_limit

#endif  // STAVE_TOOLS_CGROUP_LIMIT_COMMAND_H_
