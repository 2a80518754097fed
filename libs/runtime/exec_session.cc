// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/exec_session.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/pipe.h"
#include "libs/base/posix.h"
#include "libs/base/process.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/capability/capability.h"
#include "libs/cgroup/cgroup.h"
#include "libs/json/parse.h"
#include "libs/oci/user.h"
#include "libs/runtime/child_streams.h"
#include "libs/runtime/container_group.h"
#include "libs/runtime/enter.h"
#include "libs/runtime/exec_keeper.h"
#include "libs/runtime/exec_process.h"
#include "libs/runtime/filter_cache.h"
#include "libs/runtime/pause.h"
#include "libs/runtime/plan.h"
#include "libs/runtime/report.h"
#include "libs/runtime/root_user.h"
#include "libs/runtime/session_hooks.h"
#include "libs/store/containers.h"
#include "libs/store/events.h"

namespace stave::runtime {
namespace {

constexpr size_t kMaxConfig = size_t{16} << 20;

absl::Status Refused(absl::string_view word, absl::string_view message) {
  return base::Error(absl::StatusCode::kFailedPrecondition, word, message);
}

absl::Status NotRunning(const std::string& id) {
  return Refused("E_NOT_RUNNING", absl::StrCat("container ", id, " is not running"));
}

// A container without a record has its config in RUN.
absl::StatusOr<json::Value> ReadConfig(const store::Store& store, const std::string& id) {
  const std::string path = absl::StrCat("containers/", id, "/config.json");
  auto text = base::ReadFileAt(store.state(), path, kMaxConfig);
  if (absl::IsNotFound(text.status())) text = base::ReadFileAt(store.run(), path, kMaxConfig);
  if (!text.ok()) return text.status();
  json::Limits limits;
  limits.bytes = kMaxConfig;
  auto config = json::Parse(*text, limits);
  if (!config.ok()) {
    return base::Error(absl::StatusCode::kDataLoss, "E_CORRUPT",
                       absl::StrCat(path, ": ", config.status().message()));
  }
  return config;
}

// An exec while it is being made.
class ExecSession {
 public:
  ExecSession(const store::Store& store, const ExecWishes& wishes)
      : store_(store), wishes_(wishes) {}

  absl::Status Prepare(absl::string_view name);
  absl::StatusOr<Ended> Run();

 private:
  absl::Status CheckState(absl::string_view name) const;
  absl::Status FindProcess();
  absl::StatusOr<UserChange> FindUser() const;
  void AddHome();
  absl::StatusOr<std::vector<std::string>> AllCapabilities() const;
  absl::Status OpenCgroup();
  absl::Status Enter(int in, int out, int err);
  absl::StatusOr<Ended> RunAttached();
  [[noreturn]] void Keep(int report);
  absl::StatusOr<Ended> RunDetached();
  void Warn(const std::vector<std::string>& warnings) const;
  void Tell(absl::string_view action, std::map<std::string, std::string> attributes) const;
  void TellEnd(const Ended& ended) const;

  pid_t pid() const { return view_.state->init->pid; }
  const std::string& id() const { return view_.record.id; }

  const store::Store& store_;
  const ExecWishes& wishes_;
  store::ContainerView view_;
  base::UniqueFd init_;  // pidfd of the container's first process
  base::UniqueFd root_;  // the container's
  json::Value config_;
  Process process_;
  std::optional<cgroup::Cgroup> group_;
  Launched launched_;
};

absl::Status ExecSession::CheckState(absl::string_view name) const {
  if (view_.status == store::Status::kRestarting) {
    return Refused("E_STATE", absl::StrCat("container ", id(),
                                           " is restarting, wait until the container is running"));
  }
  if (!view_.state || !view_.state->init) {
    return view_.damage.ok() ? NotRunning(id()) : view_.damage;
  }
  if (!IsPaused(view_)) return absl::OkStatus();
  return Refused("E_STATE",
                 absl::StrCat("Container ", name, " is paused, unpause the container before exec"));
}

absl::Status ExecSession::FindProcess() {
  STAVE_ASSIGN_OR_RETURN(std::optional<base::UniqueFd> init, base::OpenProcess(*view_.state->init));
  if (!init) return NotRunning(id());
  init_ = *std::move(init);
  root_ = base::UniqueFd(
      ::open(absl::StrCat("/proc/", pid(), "/root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const int error = errno;
  // The number was this process's when the root was opened, if it still is.
  if (!base::SignalProcess(init_.get(), 0).ok()) return NotRunning(id());
  return root_.valid() ? absl::OkStatus() : base::PosixError(error, "container", "open its root");
}

absl::StatusOr<UserChange> ExecSession::FindUser() const {
  UserChange change;
  const json::Value* uid = config_.Find({"process", "user", "uid"});
  STAVE_ASSIGN_OR_RETURN(change.before,
                         ResolveUserInRoot(root_.get(), uid == nullptr ? "0" : uid->text()));
  auto after = ResolveUserInRoot(root_.get(), *wishes_.user);
  if (!after.ok()) return base::WithContext(after.status(), "--user");
  change.after = *std::move(after);
  return change;
}

// Where the environment has none, as in runc: an image need not name it.
void ExecSession::AddHome() {
  for (const std::string& variable : process_.env) {
    if (absl::StartsWith(variable, "HOME=")) return;
  }
  const auto user = ResolveUserInRoot(root_.get(), absl::StrCat(process_.uid));
  process_.env.push_back(absl::StrCat("HOME=", user.ok() ? user->home : "/"));
}

// Those that this process holds; in a user namespace of the container's own, all.
absl::StatusOr<std::vector<std::string>> ExecSession::AllCapabilities() const {
  if (const json::Value* namespaces = config_.Find({"linux", "namespaces"})) {
    for (const json::Value& one : namespaces->elements()) {
      const json::Value* type = one.Find("type");
      if (type != nullptr && type->text() == "user") return capability::AllNames();
    }
  }
  STAVE_ASSIGN_OR_RETURN(const capability::Sets held, capability::Current(capability::kAll));
  return capability::ToNames(held.permitted & held.bounding);
}

absl::Status ExecSession::OpenCgroup() {
  if (view_.state->cgroup.empty()) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(cgroup::Cgroup group, OpenCgroupOf(view_));
  group_.emplace(std::move(group));
  return group_->OpenEntries();
}

absl::Status ExecSession::Prepare(absl::string_view name) {
  STAVE_ASSIGN_OR_RETURN(const std::string found, store::FindContainer(store_, name));
  STAVE_ASSIGN_OR_RETURN(view_, store::GetContainer(store_, found));
  STAVE_RETURN_IF_ERROR(CheckState(name));
  STAVE_RETURN_IF_ERROR(FindProcess());
  STAVE_ASSIGN_OR_RETURN(config_, ReadConfig(store_, found));
  ExecChanges changes;
  changes.args = wishes_.args;
  changes.env = wishes_.env;
  changes.workdir = wishes_.workdir;
  changes.terminal = wishes_.terminal;
  if (wishes_.user) {
    STAVE_ASSIGN_OR_RETURN(changes.user, FindUser());
  }
  if (wishes_.privileged) {
    STAVE_ASSIGN_OR_RETURN(changes.capabilities, AllCapabilities());
  }
  STAVE_ASSIGN_OR_RETURN(const json::Value process, ExecProcess(config_, changes));
  std::vector<std::string> warnings;
  STAVE_ASSIGN_OR_RETURN(process_, MakeProcess(process, &warnings));
  Warn(warnings);
  AddHome();
  return OpenCgroup();
}

absl::Status ExecSession::Enter(int in, int out, int err) {
  EnterRequest request;
  request.process = &process_;
  request.pid = pid();
  request.pidfd = init_.get();
  request.group = group_ ? &*group_ : nullptr;
  request.in = in;
  request.out = out;
  request.err = err;
  request.lifetime = Lifetime::kOnItsOwn;
  seccomp::Program filter;
  Plan plan;
  std::optional<SessionHooks> told;
  const json::Value* policy = config_.Find({"linux", "seccomp"});
  if (policy != nullptr && !policy->is_null() && !wishes_.privileged) {
    STAVE_ASSIGN_OR_RETURN(filter, CompiledFilter(*policy, store_.run()));
    request.filter = &filter;
    if (policy->Find("listenerPath") != nullptr) {
      STAVE_ASSIGN_OR_RETURN(plan, MakePlan(config_));
      const std::string folder = absl::StrCat("/containers/", id());
      told.emplace(plan, config_,
                   SessionFolders{id(), store_.state_path() + folder, store_.run_path() + folder},
                   nullptr);
      request.listener = plan.listener;
      request.state = [&told](absl::string_view status, pid_t pid) {
        return told->State(status, pid);
      };
    }
  }
  auto entered = runtime::Enter(request);
  if (!entered.ok()) {
    return HintAtMemory(entered.status(), config_.Find({"linux", "resources"}));
  }
  launched_ = *std::move(entered);
  root_.Reset();
  Warn(launched_.warnings);
  Tell("exec_start", {{"pid", absl::StrCat(launched_.pid)}, {"command", process_.args[0]}});
  return absl::OkStatus();
}

void ExecSession::Warn(const std::vector<std::string>& warnings) const {
  if (wishes_.warn == nullptr) return;
  for (const std::string& warning : warnings) wishes_.warn(warning);
}

void ExecSession::Tell(absl::string_view action,
                       std::map<std::string, std::string> attributes) const {
  store::AppendEvent(store_, action, id(), view_.record.name, std::move(attributes));
}

void ExecSession::TellEnd(const Ended& ended) const {
  Tell("exec_die", {{"pid", absl::StrCat(launched_.pid)}, {"exitCode", absl::StrCat(ended.code)}});
}

absl::StatusOr<Ended> ExecSession::RunAttached() {
  StreamWishes wishes;
  wishes.interactive = wishes_.interactive;
  wishes.terminal = wishes_.terminal;
  wishes.may_lack_terminal = true;
  wishes.detach_keys = wishes_.detach_keys;
  STAVE_ASSIGN_OR_RETURN(Foreground foreground, Foreground::Prepare(wishes));
  process_.rows = foreground.size().rows;
  process_.columns = foreground.size().columns;
  STAVE_RETURN_IF_ERROR(Enter(foreground.in(), foreground.out(), foreground.err()));
  STAVE_ASSIGN_OR_RETURN(const Ended ended, foreground.Watch(&launched_));
  if (ended.detached) {
    STAVE_RETURN_IF_ERROR(LeaveReader(launched_.terminal.get()));
  } else {
    TellEnd(ended);
  }
  STAVE_RETURN_IF_ERROR(ended.shown);
  return ended;
}

// The parent of the process, from before it is made to its end.
void ExecSession::Keep(int report) {
  LeaveCaller();
  const int null = ::open("/dev/null", O_RDWR | O_NOCTTY | O_CLOEXEC);
  const absl::Status entered =
      null >= 0 ? Enter(null, null, null) : base::PosixError(errno, "/dev/null", "open");
  if (!entered.ok()) {
    SendReport(report, entered);
    ::_exit(0);
  }
  for (int fd = 0; fd <= 2; ++fd) ::dup2(null, fd);
  SendReady(report);
  // A reader of the caller's pipes would wait for it, the container for its root.
  CloseAllBut({store_.run(), launched_.pidfd.get(), launched_.terminal.get()}, 3);
  Attend(&launched_, [this](const Ended& ended) { TellEnd(ended); });
  ::_exit(0);
}

absl::StatusOr<Ended> ExecSession::RunDetached() {
  STAVE_ASSIGN_OR_RETURN(base::Pipe report, base::MakePipe("report"));
  const pid_t keeper = ::fork();
  if (keeper < 0) return base::PosixError(errno, "keeper", "fork");
  if (keeper == 0) Keep(report.writer.get());
  report.writer.Reset();
  STAVE_RETURN_IF_ERROR(ReceiveReport(report.reader.get(), process_.args[0]));
  Ended ended;
  ended.detached = true;
  return ended;
}

absl::StatusOr<Ended> ExecSession::Run() { return wishes_.detach ? RunDetached() : RunAttached(); }

}  // namespace

absl::Status CheckExec(const ExecWishes& wishes) {
  const auto wrong = [](absl::string_view message) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_USAGE", message);
  };
  if (wishes.args.empty()) return wrong("a command is wanted");
  if (wishes.args[0].empty()) return wrong("the command is an empty word");
  if (wishes.user) {
    if (wishes.user->empty()) return wrong("--user: is empty");
    const absl::Status user = oci::CheckUserSpec(*wishes.user);
    if (!user.ok()) return base::WithContext(user, "--user");
  }
  if (wishes.workdir && !absl::StartsWith(*wishes.workdir, "/")) {
    return wrong(absl::StrCat("--workdir: \"", base::Printable(*wishes.workdir, 128),
                              "\": is not an absolute path"));
  }
  for (const std::string& one : wishes.env) {
    if (one.empty() || one[0] == '=') {
      return wrong(absl::StrCat("--env: \"", base::Printable(one, 128), "\": has no name"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Ended> ExecInContainer(const store::Store& store, absl::string_view container,
                                      const ExecWishes& wishes) {
  STAVE_RETURN_IF_ERROR(CheckExec(wishes));
  ExecSession session(store, wishes);
  STAVE_RETURN_IF_ERROR(session.Prepare(container));
  return session.Run();
}

}  // namespace stave::runtime
