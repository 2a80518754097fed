// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/start.h"

#include <sched.h>
#include <unistd.h>

#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/process.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/hierarchy.h"
#include "libs/cgroup/plan.h"
#include "libs/mount/overlay.h"
#include "libs/oci/life_member.h"
#include "libs/oci/stave_member.h"
#include "libs/runtime/filter_cache.h"
#include "libs/runtime/host_files.h"
#include "libs/runtime/rootfs.h"
#include "libs/runtime/shared_namespaces.h"
#include "libs/runtime/user_namespace.h"

namespace stave::runtime {
namespace {

constexpr absl::Duration kRemoveHas = absl::Seconds(10);

SessionFolders FoldersOf(const store::Pending& entry) {
  const store::Container& container = entry.container();
  return {container.id(), container.home_path(), container.run_path(), container.run()};
}

}  // namespace

Start::Start(const store::Store& store, store::Pending* entry, Plan plan,
             const json::Value& document, Warn warn)
    : store_(store),
      entry_(*entry),
      plan_(std::move(plan)),
      document_(document),
      warn_(std::move(warn)),
      hooks_(plan_, document, FoldersOf(*entry), warn_) {}

absl::Status Start::Prepare() {
  STAVE_ASSIGN_OR_RETURN(const oci::StaveMember member, oci::GetStaveMember(document_));
  const store::Container& container = entry_.container();
  if (entry_.intent().record) {
    STAVE_RETURN_IF_ERROR(WriteHostFiles(container.run(), container.run_path(), document_));
  }
  STAVE_ASSIGN_OR_RETURN(shared_, ShareNamespaces(store_, member, &plan_));
  plan_.root_readonly = plan_.root_readonly || member.rootfs_readonly;
  STAVE_RETURN_IF_ERROR(MakeCgroup());
  return MakeRoot();
}

absl::Status Start::MakeCgroup() {
  if (plan_.cgroups_path.empty()) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(const cgroup::Hierarchies hierarchies, cgroup::FindHierarchies());
  STAVE_ASSIGN_OR_RETURN(const cgroup::Limits limits,
                         cgroup::PlanLimits(&plan_.resources, hierarchies));
  state_.cgroup = plan_.cgroups_path;
  // Written before it is made, so that a sweep finds a cgroup that the document named.
  STAVE_RETURN_IF_ERROR(entry_.container().WriteState(state_));
  auto group = cgroup::Cgroup::Create(plan_.cgroups_path, hierarchies, limits);
  if (absl::IsAlreadyExists(group.status()) && entry_.intent().existed) {
    // Of an earlier run that RUN knows nothing of any more: two on one writable layer must not be.
    STAVE_RETURN_IF_ERROR(cgroup::Cgroup::RemoveByPath(plan_.cgroups_path, hierarchies));
    auto again = cgroup::Cgroup::Create(plan_.cgroups_path, hierarchies, limits);
    if (!again.ok()) return again.status();
    group_.emplace(*std::move(again));
    return group_->Apply(limits);
  }
  if (!group.ok()) return group.status();
  group_.emplace(*std::move(group));
  return group_->Apply(limits);
}

absl::Status Start::MakeRoot() {
  if (plan_.root_path.empty()) return MakeImageRoot();
  STAVE_ASSIGN_OR_RETURN(root_, CloneRootfs(plan_.root_path));
  return absl::OkStatus();
}

absl::Status Start::MakeImageRoot() {
  STAVE_ASSIGN_OR_RETURN(ImageRoot image, FindImageRoot(store_, document_));
  const store::Container& container = entry_.container();
  STAVE_RETURN_IF_ERROR(MakeUpper(container.home(), container.home_path(), &image));
  mount::Overlay& overlay = image.overlay;
  if (entry_.intent().rm) overlay.syncing = mount::Syncing::kVolatile;
  if (!plan_.Creates(CLONE_NEWUSER)) {
    STAVE_ASSIGN_OR_RETURN(root_, mount::MakeOverlay(overlay));
    return absl::OkStatus();
  }
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd id_map,
                         MakeUserNamespace(plan_.uid_mappings, plan_.gid_mappings));
  overlay.id_map = id_map.get();
  overlay.root_uid = HostId(plan_.uid_mappings, 0);
  overlay.root_gid = HostId(plan_.gid_mappings, 0);
  auto root = mount::MakeOverlay(overlay);
  ownership_ = Ownership::kContainer;
  if (absl::IsInvalidArgument(root.status())) {
    // Linux before 5.19, or a file system of the store that cannot be idmapped.
    if (warn_) warn_("the layers cannot be idmapped here: files show the host's owners");
    overlay.id_map = -1;
    root = mount::MakeOverlay(overlay);
    ownership_ = Ownership::kHost;
  }
  if (!root.ok()) return root.status();
  root_ = *std::move(root);
  return absl::OkStatus();
}

absl::StatusOr<Launched> Start::Launch(const StartStreams& streams) {
  STAVE_ASSIGN_OR_RETURN(const oci::Life life, oci::GetLife(document_));
  seccomp::Program filter;
  LaunchRequest request;
  request.plan = &plan_;
  request.root = root_.get();
  request.group = group_ ? &*group_ : nullptr;
  request.in = streams.in;
  request.out = streams.out;
  request.err = streams.err;
  request.lifetime = streams.lifetime;
  request.reaper = life.init ? Reaper::kInit : Reaper::kPayload;
  request.ownership = ownership_;
  STAVE_RETURN_IF_ERROR(hooks_.AddTo(&request));
  if (!plan_.seccomp.is_null()) {
    STAVE_ASSIGN_OR_RETURN(filter, CompiledFilter(plan_.seccomp, store_.run()));
    request.filter = &filter;
  }
  if (plan_.process.terminal && plan_.process.rows == 0) {
    plan_.process.rows = streams.size.rows;
    plan_.process.columns = streams.size.columns;
  }
  auto launch = runtime::Launch(request);
  shared_.clear();
  if (!launch.ok()) return launch.status();
  Launched launched = *std::move(launch);
  for (const std::string& warning : launched.warnings) {
    if (warn_) warn_(warning);
  }
  return launched;
}

void Start::SetRestarts(int64_t restarts, std::optional<int> last_code,
                        std::optional<store::Exit> last) {
  state_.restarts = restarts;
  state_.last_code = last_code;
  state_.last = std::move(last);
  if (restarts == 0) return;
  state_.status = store::Status::kRestarting;
  if (auto runner = base::IdentifyProcess(::getpid()); runner.ok()) {
    state_.runner = *std::move(runner);
  }
}

absl::Status Start::WriteRunning(const Launched& launched) {
  state_.status = store::Status::kRunning;
  state_.started = absl::Now();
  // A payload that has ended already has no identity any more; its end is told a moment later.
  if (auto init = base::IdentifyProcess(launched.pid); init.ok()) state_.init = *std::move(init);
  if (auto runner = base::IdentifyProcess(::getpid()); runner.ok())
    state_.runner = *std::move(runner);
  const store::Container& container = entry_.container();
  if (entry_.intent().existed || state_.restarts > 0) {
    STAVE_RETURN_IF_ERROR(container.RemoveExit());
  }
  STAVE_RETURN_IF_ERROR(container.WriteState(state_));
  STAVE_RETURN_IF_ERROR(entry_.ToForeground());
  return hooks_.TellRunning(launched.pid);
}

void Start::EndGroup() {
  root_.Reset();
  if (!group_) return;
  group_->Kill().IgnoreError();
  group_->Remove(kRemoveHas).IgnoreError();
  group_->Release();
}

void Start::TakeBack() {
  EndGroup();
  entry_.Undo().IgnoreError();
  hooks_.TellGone();
}

}  // namespace stave::runtime
