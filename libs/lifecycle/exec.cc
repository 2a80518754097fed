// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/exec.h"

#include <fcntl.h>
#include <signal.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/process.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/cgroup.h"
#include "libs/json/parse.h"
#include "libs/lifecycle/container.h"
#include "libs/lifecycle/group.h"
#include "libs/lifecycle/home.h"
#include "libs/lifecycle/machine.h"
#include "libs/runtime/enter.h"
#include "libs/runtime/filter_cache.h"
#include "libs/runtime/foreground.h"
#include "libs/runtime/plan.h"

namespace stave::lifecycle {
namespace {

absl::Status CheckState(const Condition& condition, const ExecOptions& options, Machine* machine) {
  const auto refuse = [](absl::string_view message) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "E_STATE", message);
  };
  if (!condition.init.valid()) return refuse("cannot exec in a stopped container");
  if (!options.ignore_paused && IsFrozen(condition.record, machine)) {
    return refuse("cannot exec in a paused container (use --ignore-paused to override)");
  }
  return absl::OkStatus();
}

absl::StatusOr<json::Value> ReadProcess(const json::Value& config, const ExecOptions& options) {
  const json::Value* own = config.Find("process");
  const json::Value none = json::Value::Object();
  if (own == nullptr) own = &none;
  if (options.process_file.empty()) return ChangedProcess(*own, options.changes);
  STAVE_ASSIGN_OR_RETURN(const std::string text,
                         base::ReadFileAt(AT_FDCWD, options.process_file, kMaxConfig));
  json::Limits limits;
  limits.bytes = kMaxConfig;
  absl::StatusOr<json::Value> given = json::Parse(text, limits);
  if (!given.ok()) return base::WithContext(given.status(), base::Printable(options.process_file));
  if (!given->is_object()) {
    return base::Error(
        absl::StatusCode::kInvalidArgument, "E_DOCUMENT",
        absl::StrCat(base::Printable(options.process_file), ": an object is wanted"));
  }
  return CompletedProcess(*own, *std::move(given));
}

// An exec while it is being made.
class Entry {
 public:
  explicit Entry(const ExecOptions& options) : options_(options) {}

  absl::Status Prepare(const Root& root);
  absl::StatusOr<int> Run();

 private:
  absl::Status OpenCgroup();
  absl::Status Enter(int in, int out, int err);
  absl::Status HandOver();
  absl::StatusOr<int> RunAttached();
  void Abandon();

  const ExecOptions& options_;
  Machine machine_;
  Condition condition_;
  json::Value config_;
  runtime::Process process_;
  Inherited inherited_;
  Handover handover_;
  std::optional<cgroup::Cgroup> group_;
  runtime::Launched launched_;
};

absl::Status Entry::OpenCgroup() {
  std::string path = condition_.record.cgroup;
  if (path.empty()) return absl::OkStatus();
  if (!options_.cgroup.empty()) {
    for (const absl::string_view name : absl::StrSplit(options_.cgroup, '/')) {
      if (name != "..") continue;
      return base::Error(absl::StatusCode::kInvalidArgument, "E_USAGE",
                         absl::StrCat("--cgroup: ", base::Printable(options_.cgroup),
                                      ": leads out of the container's"));
    }
    for (const absl::string_view name : absl::StrSplit(options_.cgroup, '/', absl::SkipEmpty())) {
      absl::StrAppend(&path, "/", name);
    }
  }
  STAVE_RETURN_IF_ERROR(machine_.Hierarchies().status());
  STAVE_ASSIGN_OR_RETURN(cgroup::Cgroup group, cgroup::Cgroup::Open(path, *machine_.Hierarchies()));
  group_.emplace(std::move(group));
  return group_->OpenEntries();
}

absl::Status Entry::Prepare(const Root& root) {
  STAVE_ASSIGN_OR_RETURN(inherited_, CheckInherited(options_.preserve_fds));
  STAVE_ASSIGN_OR_RETURN(const Container container, Container::Open(root, options_.id));
  STAVE_ASSIGN_OR_RETURN(condition_, container.Look(&machine_, Freezer::kLeave));
  STAVE_RETURN_IF_ERROR(CheckState(condition_, options_, &machine_));
  STAVE_ASSIGN_OR_RETURN(config_, container.ParseConfig());
  STAVE_ASSIGN_OR_RETURN(const json::Value process, ReadProcess(config_, options_));
  std::vector<std::string> warnings;
  STAVE_ASSIGN_OR_RETURN(process_, runtime::MakeProcess(process, &warnings));
  if (options_.warn) {
    for (const std::string& warning : warnings) options_.warn(warning);
  }
  STAVE_RETURN_IF_ERROR(handover_.Connect(
      options_, options_.detach ? Attachment::kDetached : Attachment::kForeground, &process_));
  AddHome(absl::StrCat("/proc/", condition_.pid(), "/root"), &process_);
  if (inherited_.listening > 0) {
    process_.env.push_back(absl::StrCat("LISTEN_FDS=", inherited_.listening));
  }
  return OpenCgroup();
}

absl::Status Entry::Enter(int in, int out, int err) {
  runtime::EnterRequest request;
  request.process = &process_;
  request.pid = condition_.pid();
  request.pidfd = condition_.init.get();
  request.group = group_ ? &*group_ : nullptr;
  request.in = in;
  request.out = out;
  request.err = err;
  request.lifetime = runtime::Lifetime::kOnItsOwn;
  request.preserved = inherited_.count();
  request.keyring = options_.keyring;
  request.state = [this](absl::string_view status, pid_t pid) {
    return json::Print(StateJson(condition_.record, status, pid));
  };
  seccomp::Program filter;
  const json::Value* policy = config_.Find({"linux", "seccomp"});
  if (policy != nullptr && !policy->is_null()) {
    const base::UniqueFd run = OpenRunFolder();
    STAVE_ASSIGN_OR_RETURN(filter, runtime::CompiledFilter(*policy, run.get()));
    request.filter = &filter;
    if (policy->Find("listenerPath") != nullptr) {
      STAVE_ASSIGN_OR_RETURN(runtime::Plan plan, runtime::MakePlan(config_));
      request.listener = std::move(plan.listener);
    }
  }
  STAVE_ASSIGN_OR_RETURN(launched_, runtime::Enter(request));
  if (options_.warn) {
    for (const std::string& warning : launched_.warnings) options_.warn(warning);
  }
  return absl::OkStatus();
}

absl::Status Entry::HandOver() {
  STAVE_RETURN_IF_ERROR(handover_.Give(&launched_));
  if (options_.pid_file.empty()) return absl::OkStatus();
  return WritePidFile(options_.pid_file, launched_.pid);
}

void Entry::Abandon() {
  if (launched_.pidfd.valid()) {
    base::SignalProcess(launched_.pidfd.get(), SIGKILL).IgnoreError();
  }
}

absl::StatusOr<int> Entry::RunAttached() {
  runtime::StreamWishes wishes;
  wishes.interactive = true;
  wishes.terminal = process_.terminal;
  STAVE_ASSIGN_OR_RETURN(runtime::Foreground foreground, runtime::Foreground::Prepare(wishes));
  if (process_.terminal && process_.rows == 0) {
    process_.rows = foreground.size().rows;
    process_.columns = foreground.size().columns;
  }
  STAVE_RETURN_IF_ERROR(Enter(foreground.in(), foreground.out(), foreground.err()));
  if (absl::Status given = HandOver(); !given.ok()) {
    Abandon();
    return given;
  }
  STAVE_ASSIGN_OR_RETURN(const runtime::Ended ended, foreground.Watch(&launched_));
  return ended.code;
}

absl::StatusOr<int> Entry::Run() {
  if (!options_.detach) return RunAttached();
  STAVE_RETURN_IF_ERROR(Enter(0, 1, 2));
  if (absl::Status given = HandOver(); !given.ok()) {
    Abandon();
    return given;
  }
  return 0;
}

}  // namespace

absl::StatusOr<int> Exec(const Root& root, const ExecOptions& options) {
  Entry entry(options);
  STAVE_RETURN_IF_ERROR(entry.Prepare(root));
  return entry.Run();
}

}  // namespace stave::lifecycle
