// SPDX-License-Identifier: Apache-2.0
//
// Making a container: create, and run, which is create and start by one process.
//
// The order, so that `delete --force ID` finds all of it whenever this process is killed:
//
//   1. R/ID with state.json (creating; the cgroup's path is in it) and config.json
//   2. the cgroup (or the scope: systemd_scope.h)    3. the root as a detached mount    4. the
//   FIFOs (create only)
//   5. the first process, with the hooks prestart and createRuntime (libs/runtime/launch.h)
//   6. the pty's master to the console socket    7. state.json with the first process: created
//   8. the pid file
//
// A failure takes everything back; poststop hooks run if the container's environment existed
// (runtime-spec runtime.md "Lifecycle" steps 4-5, 12-13), and their failures are warnings.
//
// The payload does not die with its creator, also not with the foreground `run`: engines kill
// that one and then look after the container with kill and delete, as runc lets them.

#ifndef STAVE_LIBS_LIFECYCLE_CREATE_H_
#define STAVE_LIBS_LIFECYCLE_CREATE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/lifecycle/handover.h"
#include "libs/lifecycle/root.h"
#include "libs/lifecycle/scope_plan.h"
#include "libs/lifecycle/warn.h"

namespace stave::lifecycle {

struct CreateOptions : HandoverOptions {
  std::string id;
  std::string bundle;  // "": the working directory
  std::string config;  // a file instead of the bundle's config.json, as crun's --config
  CgroupManager cgroup_manager = CgroupManager::kCgroupfs;
  bool pivot = true;    // --no-pivot
  bool keyring = true;  // --no-new-keyring
  Warn warn;            // one line; may be empty
};

// Descriptors 0, 1 and 2 are the payload's, unless process.terminal.
// Errors: AlreadyExists `container with given ID already exists`; those of ReadBundle; Aborted
// [E_HOOK]; InvalidArgument [E_USAGE] if process.terminal and the console socket do not go
// together; those of systemd_scope.h; those of runtime::Launch, with an exit code
// (libs/runtime/report.h). Nothing is left.
absl::Status Create(const Root& root, const CreateOptions& options);

struct RunOptions {
  CreateOptions create;
  bool detach = false;
  bool keep = false;  // foreground: the stopped container stays
};

// Returns the payload's exit code (128+n for a signal), or 0 with detach, when it has been started.
// In the foreground: relays the terminal, passes signals on, and deletes the container in the end.
// Errors: as Create and Start; then the container is gone.
absl::StatusOr<int> Run(const Root& root, const RunOptions& options);

}  // namespace stave::lifecycle

#endif  // STAVE_LIBS_LIFECYCLE_CREATE_H_
