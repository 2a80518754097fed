// SPDX-License-Identifier: Apache-2.0
//
// exec: one more process in a container that is created or running.

#ifndef STAVE_LIBS_LIFECYCLE_EXEC_H_
#define STAVE_LIBS_LIFECYCLE_EXEC_H_

#include <string>

#include "absl/status/statusor.h"
#include "libs/lifecycle/exec_process.h"
#include "libs/lifecycle/handover.h"
#include "libs/lifecycle/root.h"
#include "libs/lifecycle/warn.h"

namespace stave::lifecycle {

struct ExecOptions : HandoverOptions {
  std::string id;
  std::string process_file;  // a file with a `process` object; then `changes` is not looked at
  ProcessChanges changes;
  bool detach = false;
  std::string cgroup;  // a cgroup below the container's, that exists; "": the container's
  bool ignore_paused = false;
  bool keyring = true;
  Warn warn;
};

// Returns the payload's exit code (128+n for a signal), or 0 with detach, when it runs.
// Errors: NotFound (Container::Open); FailedPrecondition [E_STATE] `cannot exec in a stopped
// container`, `cannot exec in a paused container (use --ignore-paused to override)`; those of
// ChangedProcess and runtime::MakeProcess; those of runtime::Enter, with an exit code
// (libs/runtime/report.h).
absl::StatusOr<int> Exec(const Root& root, const ExecOptions& options);

}  // namespace stave::lifecycle

#endif  // STAVE_LIBS_LIFECYCLE_EXEC_H_
