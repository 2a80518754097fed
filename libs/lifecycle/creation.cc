// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/creation.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/error.h"
#include "libs/base/process.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/delegate.h"
#include "libs/cgroup/hierarchy.h"
#include "libs/cgroup/plan.h"
#include "libs/json/parse.h"
#include "libs/lifecycle/home.h"
#include "libs/lifecycle/host_mount.h"
#include "libs/lifecycle/remove.h"
#include "libs/runtime/filter_cache.h"
#include "libs/runtime/hook.h"
#include "libs/runtime/rootfs.h"
#include "libs/runtime/sealed_self.h"
#include "libs/runtime/user_namespace.h"

namespace stave::lifecycle {
namespace {

constexpr absl::Duration kRemoveHas = absl::Seconds(10);

// A cgroup that nobody is in was left by somebody; one that is in use is not ours to join, since
// delete would kill what is in it.
absl::Status ClearAway(cgroup::Cgroup old) {
  const size_t processes = old.Processes().size();
  if (processes == 0) return old.Remove(absl::ZeroDuration());
  return base::WithHint(base::Error(absl::StatusCode::kFailedPrecondition, "E_CGROUP",
                                    absl::StrCat("container's cgroup is not empty: ", processes,
                                                 " process(es) found in ", old.path())),
                        "linux.cgroupsPath must be the container's own");
}

// One whose container is still here, stopped, would go with the delete of that one.
absl::Status CheckUnowned(const Root& root, const std::string& path, absl::string_view id) {
  STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> others, root.Ids());
  for (const std::string& other : others) {
    const auto container = Container::Open(root, other);
    const auto record = container.ok() ? container->ReadRecord() : container.status();
    if (other == id || !record.ok() || record->cgroup != path) continue;
    return base::WithHint(base::Error(absl::StatusCode::kFailedPrecondition, "E_CGROUP",
                                      absl::StrCat(path, ": is the cgroup of container ", other)),
                          "linux.cgroupsPath must be the container's own");
  }
  return absl::OkStatus();
}

// Where the container may divide its cgroup: config-linux.md "Cgroup ownership".
bool WantsDelegation(const runtime::Plan& plan) {
  if (!plan.Creates(CLONE_NEWCGROUP)) return false;
  for (const runtime::Mount& mount : plan.mounts) {
    if (mount.type != "cgroup" && mount.type != "cgroup2") continue;
    if ((mount.options.set & MOUNT_ATTR_RDONLY) == 0) return true;
  }
  return false;
}

// A scope has its placeholder and the first process in it at once. Takes out a limit of tasks that
// has no room for both.
std::vector<cgroup::Setting> TakeTightTasks(std::vector<cgroup::Setting>* settings) {
  std::vector<cgroup::Setting> taken, rest;
  for (cgroup::Setting& setting : *settings) {
    const bool tight = setting.file == "pids.max" && setting.value.size() == 1;
    (tight ? taken : rest).push_back(std::move(setting));
  }
  *settings = std::move(rest);
  return taken;
}

}  // namespace

void Creation::Say(const std::vector<std::string>& warnings) const {
  if (!options_.warn) return;
  for (const std::string& warning : warnings) options_.warn(warning);
}

absl::Status Creation::Read(Attachment attachment) {
  STAVE_RETURN_IF_ERROR(Container::CheckFree(root_, options_.id));
  STAVE_ASSIGN_OR_RETURN(inherited_, CheckInherited(options_.preserve_fds));
  STAVE_ASSIGN_OR_RETURN(
      bundle_, ReadBundle(options_.bundle, options_.id, options_.config, options_.cgroup_manager));
  // Where others in the container can see this program, with startContainer hooks while it waits
  // for start. Nothing has been made so far and nothing said: it may start over here.
  if (bundle_.plan.Joins(CLONE_NEWPID) || !bundle_.plan.hooks.start_container.empty()) {
    STAVE_RETURN_IF_ERROR(runtime::SealSelf());
  }
  Say(bundle_.plan.doubts);
  Say(bundle_.plan.warnings);
  bundle_.plan.warnings.clear();  // Launch() would repeat them
  STAVE_RETURN_IF_ERROR(handover_.Connect(options_, attachment, &bundle_.plan.process));
  AddListening();
  AddHome(bundle_.rootfs, &bundle_.plan.process);
  return absl::OkStatus();
}

// sd_listen_fds(3): the payload is told of its sockets, as the process that it will be.
void Creation::AddListening() {
  if (inherited_.listening == 0) return;
  std::vector<std::string>& env = bundle_.plan.process.env;
  env.push_back(absl::StrCat("LISTEN_FDS=", inherited_.listening));
  env.emplace_back("LISTEN_PID=1");
}

absl::Status Creation::MakeState() {
  record_.id = options_.id;
  record_.oci_version = bundle_.oci_version;
  record_.bundle = bundle_.path;
  record_.rootfs = bundle_.rootfs;
  record_.created = absl::Now();
  if (const json::Value* annotations = bundle_.config.Find("annotations")) {
    record_.annotations = *annotations;
  }
  if (!bundle_.plan.Has(CLONE_NEWNS)) {
    STAVE_ASSIGN_OR_RETURN(record_.covered_mount, MountAt(bundle_.rootfs));
  }
  STAVE_RETURN_IF_ERROR(machine_.BootId().status());
  STAVE_ASSIGN_OR_RETURN(record_.creator, base::IdentifyProcess(::getpid(), *machine_.BootId()));
  STAVE_ASSIGN_OR_RETURN(Container made, Container::Make(root_, record_, bundle_.text));
  container_.emplace(std::move(made));
  return absl::OkStatus();
}

// The state names the cgroup before it is made, and not before what was there has gone: a delete
// after a kill finds ours, and never a stranger's.
absl::Status Creation::MakeGroup() {
  const std::string& path = bundle_.plan.cgroups_path;
  STAVE_RETURN_IF_ERROR(machine_.Hierarchies().status());
  const cgroup::Hierarchies& hierarchies = *machine_.Hierarchies();
  if (bundle_.scope) STAVE_RETURN_IF_ERROR(CheckSystemdHierarchies(hierarchies));
  STAVE_ASSIGN_OR_RETURN(cgroup::Limits limits,
                         cgroup::PlanLimits(&bundle_.plan.resources, hierarchies));
  absl::StatusOr<cgroup::Cgroup> old = cgroup::Cgroup::Open(path, hierarchies);
  if (!old.ok() && !absl::IsNotFound(old.status())) return old.status();
  if (!old.ok()) NameGroup();
  STAVE_RETURN_IF_ERROR(MakeState());
  if (old.ok()) {
    STAVE_RETURN_IF_ERROR(CheckUnowned(root_, path, options_.id));
    STAVE_RETURN_IF_ERROR(ClearAway(*std::move(old)));
    NameGroup();
    STAVE_RETURN_IF_ERROR(container_->WriteRecord(record_));
  }
  STAVE_RETURN_IF_ERROR(EnterGroup(hierarchies, &limits));
  STAVE_RETURN_IF_ERROR(group_->Apply(limits));
  if (!WantsDelegation(bundle_.plan)) return absl::OkStatus();
  return cgroup::Delegate(*group_,
                          runtime::HostId(bundle_.plan.uid_mappings, bundle_.plan.process.uid));
}

void Creation::NameGroup() {
  record_.cgroup = bundle_.plan.cgroups_path;
  if (bundle_.scope) record_.scope = bundle_.scope->unit;
}

absl::Status Creation::EnterGroup(const cgroup::Hierarchies& hierarchies, cgroup::Limits* limits) {
  if (bundle_.scope) return StartScope(hierarchies, limits);
  STAVE_ASSIGN_OR_RETURN(cgroup::Cgroup group,
                         cgroup::Cgroup::Create(bundle_.plan.cgroups_path, hierarchies, *limits));
  group_.emplace(std::move(group));
  return absl::OkStatus();
}

absl::Status Creation::StartScope(const cgroup::Hierarchies& hierarchies, cgroup::Limits* limits) {
  withheld_.settings = TakeTightTasks(&limits->settings);
  STAVE_ASSIGN_OR_RETURN(Scope scope,
                         Scope::Start(*bundle_.scope, absl::StrCat("container ", options_.id),
                                      UnitProperties(*limits)));
  scope_.emplace(std::move(scope));
  if (scope_->cgroup() != record_.cgroup) {
    record_.cgroup = scope_->cgroup();
    STAVE_RETURN_IF_ERROR(container_->WriteRecord(record_));
  }
  STAVE_ASSIGN_OR_RETURN(cgroup::Cgroup group, cgroup::Cgroup::Open(record_.cgroup, hierarchies));
  group_.emplace(std::move(group));
  return group_->OpenEntries();
}

absl::Status Creation::LeaveScope() {
  if (!scope_) return absl::OkStatus();
  scope_->Leave();
  if (withheld_.settings.empty()) return absl::OkStatus();
  STAVE_RETURN_IF_ERROR(SetScope(record_.scope, UnitProperties(withheld_)));
  return group_->Apply(withheld_);
}

absl::Status Creation::Prepare(Gated gated) {
  STAVE_RETURN_IF_ERROR(MakeGroup());
  STAVE_ASSIGN_OR_RETURN(rootfs_,
                         runtime::CloneRootfs(bundle_.rootfs, bundle_.plan.root_propagation));
  if (gated == Gated::kNo) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(gate_, runtime::MakeStartGate(container_->dir()));
  return absl::OkStatus();
}

runtime::LaunchRequest Creation::Request(int in, int out, int err) {
  runtime::LaunchRequest request;
  request.plan = &bundle_.plan;
  request.root = rootfs_.get();
  request.group = &*group_;
  request.in = in;
  request.out = out;
  request.err = err;
  request.lifetime = runtime::Lifetime::kOnItsOwn;
  request.start = gate_.ends();
  request.preserved = inherited_.count();
  request.keyring = options_.keyring;
  request.pivot = options_.pivot;
  request.root_path = bundle_.rootfs;
  request.state = [this](absl::string_view status, pid_t pid) {
    return json::Print(StateJson(record_, status, pid));
  };
  const runtime::Hooks& hooks = bundle_.plan.hooks;
  if (hooks.prestart.empty() && hooks.create_runtime.empty() && hooks.create_container.empty() &&
      !scope_) {
    return request;
  }
  request.created = [this, &hooks](pid_t pid) -> absl::Status {
    has_environment_ = true;
    STAVE_RETURN_IF_ERROR(LeaveScope());
    const auto state = [this, pid](Status status) {
      return json::Print(StateJson(record_, StatusName(status), pid));
    };
    // Its old meaning: all but the start is done.
    STAVE_RETURN_IF_ERROR(runtime::RunHooks(hooks.prestart, "prestart", state(Status::kCreated)));
    return runtime::RunHooks(hooks.create_runtime, "createRuntime", state(Status::kCreating));
  };
  return request;
}

absl::Status Creation::Launch(int in, int out, int err) {
  runtime::LaunchRequest request = Request(in, out, err);
  seccomp::Program filter;
  if (!bundle_.plan.seccomp.is_null()) {
    const base::UniqueFd run = OpenRunFolder();
    STAVE_ASSIGN_OR_RETURN(filter, runtime::CompiledFilter(bundle_.plan.seccomp, run.get()));
    request.filter = &filter;
  }
  STAVE_ASSIGN_OR_RETURN(launched_, runtime::Launch(request));
  has_environment_ = true;
  gate_ = runtime::GateFiles();
  rootfs_.Reset();
  Say(launched_.warnings);
  return absl::OkStatus();
}

absl::Status Creation::HandOver() {
  STAVE_RETURN_IF_ERROR(handover_.Give(&launched_));
  // A payload that has ended already has no identity any more, and the container is stopped.
  if (auto init = base::IdentifyProcess(launched_.pid, *machine_.BootId()); init.ok()) {
    record_.init = *std::move(init);
  }
  record_.creator.reset();
  STAVE_RETURN_IF_ERROR(container_->WriteRecord(record_));
  if (options_.pid_file.empty()) return absl::OkStatus();
  return WritePidFile(options_.pid_file, launched_.pid);
}

void Creation::TakeBack() {
  gate_ = runtime::GateFiles();
  rootfs_.Reset();
  if (launched_.pidfd.valid()) {
    base::SignalProcess(launched_.pidfd.get(), SIGKILL).IgnoreError();
  }
  if (group_) {
    const absl::Status ended = group_->End(kRemoveHas);
    if (!ended.ok()) Say({std::string(ended.message())});
    group_->Release();
  }
  if (scope_) {
    scope_->Leave();
    const absl::Status stopped = StopScope(record_.scope);
    if (!stopped.ok()) Say({std::string(stopped.message())});
  }
  if (container_ && record_.covered_mount != 0) {
    Uncover(record_.rootfs, record_.covered_mount).IgnoreError();
  }
  if (container_) {
    const absl::Status removed = container_->Remove(root_);
    if (!removed.ok()) Say({std::string(removed.message())});
  }
  if (has_environment_) RunPoststop(bundle_.plan.hooks, record_, options_.warn);
}

void Creation::Finish() {
  container_->Unlock();
  group_->Release();
  group_->CloseEntries();
}

absl::Status Creation::Delete() {
  const absl::Status locked = LockByForce(&*container_);
  if (absl::IsNotFound(locked)) return absl::OkStatus();
  STAVE_RETURN_IF_ERROR(locked);
  Condition condition;
  condition.record = record_;
  condition.init = std::move(launched_.pidfd);
  return DeleteLocked(root_, &*container_, condition, options_.warn,
                      {&*group_, &bundle_.plan.hooks});
}

}  // namespace stave::lifecycle
