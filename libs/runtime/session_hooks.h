// SPDX-License-Identifier: Apache-2.0
//
// Those who are told of a container that ns-run runs: the hooks of its document and the listener of
// its seccomp filter. To them a run is an OCI container, which ends with the run:
//
//   prestart, createRuntime, createContainer   its environment is made, its root is not yet /
//   startContainer                             the payload is about to be executed
//   poststart                                  it is, and state.json says so
//   poststop                                   the end is written down, processes and cgroup are
//   gone
//
// Their state is that of runtime-spec runtime.md "State":
//
//   {"ociVersion":"1.2.0","id":"4f0c..","status":"creating","pid":4711,
//    "bundle":"/var/lib/stave/containers/4f0c..","rootfs":"/run/stave/containers/4f0c../rootfs",
//    "annotations":{"a":"b"}}
//
// `bundle` is the container's folder, which has config.json (with --rm it has gone before
// poststop); `rootfs` is where createContainer hooks see the root: root.path if that is absolute,
// else an empty folder beside state.json. `pid` is 0 when it has stopped. Internal to libs/runtime.

#ifndef STAVE_LIBS_RUNTIME_SESSION_HOOKS_H_
#define STAVE_LIBS_RUNTIME_SESSION_HOOKS_H_

#include <sys/types.h>

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "libs/json/value.h"
#include "libs/runtime/launch.h"
#include "libs/runtime/plan.h"

namespace stave::runtime {

// Where the container's folders are, in the terms of libs/store.
struct SessionFolders {
  std::string id;
  std::string home;  // STATE/containers/ID
  std::string run;   // RUN/containers/ID
  int run_fd = -1;   // the same, borrowed
};

class SessionHooks {
 public:
  // `plan`, which is `document`'s, is borrowed; `warn` may be null.
  SessionHooks(const Plan& plan, const json::Value& document, SessionFolders folders,
               std::function<void(const std::string&)> warn);

  // Gives `request` what Launch tells them with; makes the folder for the root if a hook will see
  // it. This must live as long as `request`.
  absl::Status AddTo(LaunchRequest* request);

  // There is an environment, which another process has made.
  void SetEnvironment() { has_environment_ = true; }

  // poststart. Errors [E_HOOK]: only with an ociVersion from 1.3 on (hook.h); the container is then
  // to be ended.
  absl::Status TellRunning(pid_t pid) const;

  // poststop, if there ever was an environment; failures are warnings.
  void TellGone() const;

  std::string State(absl::string_view status, pid_t pid) const;

 private:
  bool HasRootPath() const;
  bool IsRootSeen() const;

  const Plan& plan_;
  const SessionFolders folders_;
  const std::function<void(const std::string&)> warn_;
  std::string oci_version_;
  std::string rootfs_;
  json::Value annotations_;
  bool has_environment_ = false;
};

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_SESSION_HOOKS_H_
