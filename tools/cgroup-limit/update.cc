// SPDX-License-Identifier: Apache-2.0
#include "tools/cgroup-limit/update.h"

#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "libs/base/deadline.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/cgroup/cgroup.h"
#include "libs/cgroup/hierarchy.h"
#include "libs/cgroup/plan.h"
#include "libs/cgroup/update.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"
#include "libs/oci/life_member.h"
#include "libs/runtime/await_end.h"
#include "libs/runtime/by_monitor.h"
#include "libs/runtime/container_group.h"
#include "libs/runtime/recover.h"
#include "libs/store/container.h"
#include "libs/store/containers.h"
#include "libs/store/events.h"
#include "libs/store/record.h"
#include "libs/store/store.h"
#include "tools/cgroup-limit/options.h"

namespace stave::cgroup_limit {
namespace {

constexpr absl::Duration kMakingHas = absl::Seconds(10);

absl::Status ApplyTo(const store::ContainerView& view, const json::Value& changes) {
  STAVE_ASSIGN_OR_RETURN(const cgroup::Hierarchies hierarchies, cgroup::FindHierarchies());
  STAVE_ASSIGN_OR_RETURN(cgroup::Cgroup group, runtime::OpenCgroupOf(view));
  STAVE_ASSIGN_OR_RETURN(const cgroup::Limits limits,
                         cgroup::PlanUpdate(&changes, group.ReadLimits(), hierarchies));
  return group.Apply(limits);
}

absl::StatusOr<std::optional<oci::Restart>> AskedRestart(const cli::Invocation& options) {
  if (!options.Has("restart")) return std::optional<oci::Restart>();
  const auto restart = oci::ParseRestart(options.Get("restart"));
  if (!restart.ok()) return cli::BadValue("restart", restart.status());
  return std::optional<oci::Restart>(*restart);
}

absl::Status SetRestart(const oci::Restart& restart, const store::ContainerView& view,
                        json::Value* document) {
  if (view.record.rm && restart.policy != oci::RestartPolicy::kNo) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "E_STATE",
                       absl::StrCat("container ", view.record.name,
                                    ": goes with its end (--rm), so it cannot be started again"));
  }
  oci::SetRestart(restart, document);
  return absl::OkStatus();
}

absl::Status ChangeContainer(const cli::Invocation& options, const Machine& machine,
                             const json::Value* changes, const std::optional<oci::Restart>& restart,
                             const store::Store& store, const std::string& id) {
  STAVE_RETURN_IF_ERROR(runtime::AwaitMade(store, id, base::Deadline::After(kMakingHas)));
  STAVE_ASSIGN_OR_RETURN(const store::Container container, store::Container::Open(store, id));
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd lock, store::LockRecord(store, container));
  STAVE_ASSIGN_OR_RETURN(json::Value document, container.ReadDocument());
  STAVE_RETURN_IF_ERROR(SetResources(options, machine, &document));
  STAVE_RETURN_IF_ERROR(CheckTogether(options, document));
  STAVE_ASSIGN_OR_RETURN(const store::ContainerView view, store::GetContainer(store, id));
  if (restart) STAVE_RETURN_IF_ERROR(SetRestart(*restart, view, &document));
  if (changes != nullptr && view.status == store::Status::kRunning) {
    STAVE_RETURN_IF_ERROR(ApplyTo(view, *changes));
  }
  STAVE_RETURN_IF_ERROR(container.WriteConfig(json::Print(document)));
  if (restart) {
    STAVE_RETURN_IF_ERROR(
        runtime::UpdateByMonitor(container, oci::FormatRestart(*restart)).status());
  }
  store::AppendEvent(store, "update", id, view.record.name);
  return absl::OkStatus();
}

}  // namespace

absl::Status UpdateContainer(const cli::Invocation& options, const std::string& name) {
  const Machine machine = InspectMachine();
  json::Value asked = json::Value::Object();
  STAVE_RETURN_IF_ERROR(SetResources(options, machine, &asked));
  const json::Value* changes = asked.Find({"linux", "resources"});
  STAVE_ASSIGN_OR_RETURN(const std::optional<oci::Restart> restart, AskedRestart(options));
  if (changes == nullptr && !restart) {
    return cli::UsageError("--update: at least one limit, or --restart, is wanted");
  }

  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kRead));
  runtime::Sweep(store).IgnoreError();  // what cannot be recovered says so when it is met
  STAVE_ASSIGN_OR_RETURN(const std::string id, store::FindContainer(store, name));
  return store::TellRemoval(store, id, name,
                            ChangeContainer(options, machine, changes, restart, store, id));
}

}  // namespace stave::cgroup_limit
