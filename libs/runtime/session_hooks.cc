// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/session_hooks.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/json/parse.h"
#include "libs/runtime/hook.h"

namespace stave::runtime {
namespace {

constexpr char kRootfs[] = "rootfs";

}  // namespace

SessionHooks::SessionHooks(const Plan& plan, const json::Value& document, SessionFolders folders,
                           std::function<void(const std::string&)> warn)
    : plan_(plan), folders_(std::move(folders)), warn_(std::move(warn)) {
  if (const json::Value* version = document.Find("ociVersion")) oci_version_ = version->text();
  if (const json::Value* annotations = document.Find("annotations")) annotations_ = *annotations;
  rootfs_ = HasRootPath() ? plan.root_path : absl::StrCat(folders_.run, "/", kRootfs);
}

bool SessionHooks::HasRootPath() const { return absl::StartsWith(plan_.root_path, "/"); }

bool SessionHooks::IsRootSeen() const {
  const Hooks& hooks = plan_.hooks;
  return !hooks.prestart.empty() || !hooks.create_runtime.empty() ||
         !hooks.create_container.empty();
}

std::string SessionHooks::State(absl::string_view status, pid_t pid) const {
  json::Value state = json::Value::Object();
  state.Set("ociVersion", json::Value::String(oci_version_));
  state.Set("id", json::Value::String(folders_.id));
  state.Set("status", json::Value::String(status));
  state.Set("pid", json::Value::Number(pid));
  state.Set("bundle", json::Value::String(folders_.home));
  state.Set("rootfs", json::Value::String(rootfs_));
  if (!annotations_.members().empty()) state.Set("annotations", annotations_);
  return json::Print(state);
}

absl::Status SessionHooks::AddTo(LaunchRequest* request) {
  const Hooks& hooks = plan_.hooks;
  request->state = [this](absl::string_view status, pid_t pid) { return State(status, pid); };
  if (IsRootSeen()) {
    if (!HasRootPath()) STAVE_RETURN_IF_ERROR(base::MakeDirAt(folders_.run_fd, kRootfs, 0755));
    request->root_path = rootfs_;
  }
  if (!IsRootSeen() && hooks.start_container.empty() && hooks.poststop.empty()) {
    return absl::OkStatus();
  }
  request->created = [this, &hooks](pid_t pid) -> absl::Status {
    has_environment_ = true;
    // Its old meaning: all but the start is done.
    STAVE_RETURN_IF_ERROR(RunHooks(hooks.prestart, "prestart", State("created", pid)));
    return RunHooks(hooks.create_runtime, "createRuntime", State("creating", pid));
  };
  return absl::OkStatus();
}

absl::Status SessionHooks::TellRunning(pid_t pid) const {
  const std::vector<Hook>& hooks = plan_.hooks.poststart;
  if (hooks.empty()) return absl::OkStatus();
  const std::string state = State("running", pid);
  if (!PoststartMayFail(oci_version_)) return RunHooks(hooks, "poststart", state);
  RunAllHooks(hooks, "poststart", state, warn_);
  return absl::OkStatus();
}

void SessionHooks::TellGone() const {
  if (has_environment_) RunAllHooks(plan_.hooks.poststop, "poststop", State("stopped", 0), warn_);
}

}  // namespace stave::runtime
