// SPDX-License-Identifier: Apache-2.0
//
// One more process in a running container of the store, from wishes to an exit code: what ns-exec
// is.
//
// The process is what the container's own is (exec_process.h), with the wishes; it joins the
// container's namespaces and cgroup, under its seccomp filter (enter.h). It ends when the container
// ends, and nothing of it is written down but events.
//
// It is not bound to the caller, as with docker exec: killed, the caller leaves it running, though
// a terminal that it has from the caller hangs up. With `detach` its parent is a process that is
// left behind and goes when it has ended (exec_keeper.h). After the keys to detach with have been
// typed it goes on by itself, and so does a reader of its terminal.

#ifndef STAVE_LIBS_RUNTIME_EXEC_SESSION_H_
#define STAVE_LIBS_RUNTIME_EXEC_SESSION_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/pty/detach_keys.h"
#include "libs/runtime/foreground.h"
#include "libs/store/store.h"

namespace stave::runtime {

struct ExecWishes {
  std::vector<std::string> args;             // at least one word
  std::vector<std::string> env;              // "NAME=VALUE"; "NAME": taken away
  std::optional<std::string> user, workdir;  // oci/user.h, of the container's files; absolute
  // All capabilities that can be given, and no seccomp filter.
  bool privileged = false;
  bool interactive = false, terminal = false;
  bool detach = false;  // stdin, stdout and stderr are /dev/null, or the terminal
  pty::DetachKeys detach_keys;
  void (*warn)(const std::string& message) = nullptr;
};

// Checks the forms of all values, without touching anything.
// Errors: InvalidArgument [E_USAGE] or [E_USER] beginning with the option's name.
absl::Status CheckExec(const ExecWishes& wishes);

// `container` is a name, an id or the beginning of one. Returns how the process ended; with
// `detach`, when it runs: Ended.detached.
// Errors: those of CheckExec and store::FindContainer; FailedPrecondition [E_NOT_RUNNING]
// `container ID is not running`, [E_STATE] `Container NAME is paused, unpause the container before
// exec`, `container ID is restarting, ..`; DataLoss [E_CORRUPT]; [E_NO_TTY]; with an exit code
// (report.h) those of Enter(), and Ended.shown of a process that has ended.
absl::StatusOr<Ended> ExecInContainer(const store::Store& store, absl::string_view container,
                                      const ExecWishes& wishes);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_EXEC_SESSION_H_
