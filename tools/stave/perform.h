// SPDX-License-Identifier: Apache-2.0
//
// Doing what a plan says, as a shell does a foreground job: all stages are of the caller's process
// group, so the terminal's signals reach each of them; what the caller ignores they ignore, too.

#ifndef STAVE_TOOLS_STAVE_PERFORM_H_
#define STAVE_TOOLS_STAVE_PERFORM_H_

#include <string>

#include "absl/status/statusor.h"
#include "tools/stave/plan.h"

namespace stave::tools {

// The folder of the running program, where the others are.
absl::StatusOr<std::string> OwnFolder();

// Performs it with the programs of `folder`. The last stage is executed in place: its exit code,
// signals and pid are the caller's. The stages that pipe into it are children of it, which get
// SIGTERM when it ends; whoever is before another join is waited for.
// Returns only if the last stage is not reached: the code of the stage that failed before a kAnd,
// or 0 after another answer than y.
// Errors: Internal [E_HELPER] for a program that cannot be executed; those of pipe2(2), fork(2).
absl::StatusOr<int> Perform(const Plan& plan, const std::string& folder);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_STAVE_PERFORM_H_
