// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/control.h"

#include <utility>

#include "absl/time/time.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/cgroup.h"
#include "libs/cgroup/freezer.h"
#include "libs/cgroup/hierarchy.h"
#include "libs/cgroup/plan.h"
#include "libs/cgroup/update.h"
#include "libs/lifecycle/container.h"
#include "libs/lifecycle/group.h"
#include "libs/lifecycle/scope_plan.h"
#include "libs/lifecycle/systemd_scope.h"

namespace stave::lifecycle {
namespace {

constexpr absl::Duration kFreezeHas = absl::Seconds(10);

absl::Status WrongState(absl::string_view message) {
  return base::Error(absl::StatusCode::kFailedPrecondition, "E_STATE", message);
}

}  // namespace

absl::Status Pause(const Root& root, absl::string_view id) {
  STAVE_ASSIGN_OR_RETURN(Container container, Container::Open(root, id));
  STAVE_RETURN_IF_ERROR(container.Lock());
  STAVE_ASSIGN_OR_RETURN(const Condition condition, container.Look());
  if (condition.status == Status::kPaused) return WrongState("container is paused already");
  if (!condition.init.valid()) return NotRunning();
  STAVE_ASSIGN_OR_RETURN(const cgroup::Cgroup group, OpenGroup(condition.record));
  return cgroup::Freeze(group, kFreezeHas);
}

absl::Status Resume(const Root& root, absl::string_view id) {
  STAVE_ASSIGN_OR_RETURN(Container container, Container::Open(root, id));
  STAVE_RETURN_IF_ERROR(container.Lock());
  STAVE_ASSIGN_OR_RETURN(const Condition condition, container.Look());
  if (condition.status != Status::kPaused) return WrongState("container not paused");
  STAVE_ASSIGN_OR_RETURN(const cgroup::Cgroup group, OpenGroup(condition.record));
  return cgroup::Thaw(group);
}

absl::Status Update(const Root& root, absl::string_view id, const json::Value& resources) {
  STAVE_ASSIGN_OR_RETURN(Container container, Container::Open(root, id));
  STAVE_RETURN_IF_ERROR(container.Lock());
  STAVE_ASSIGN_OR_RETURN(const Condition condition, container.Look(Freezer::kLeave));
  if (!condition.init.valid()) return NotRunning();
  STAVE_ASSIGN_OR_RETURN(const cgroup::Hierarchies hierarchies, cgroup::FindHierarchies());
  STAVE_ASSIGN_OR_RETURN(cgroup::Cgroup group, OpenGroup(condition.record, hierarchies));
  const cgroup::CurrentLimits now = group.ReadLimits();
  STAVE_ASSIGN_OR_RETURN(const cgroup::Limits limits,
                         cgroup::PlanUpdate(&resources, now, hierarchies));
  const std::string& unit = condition.record.scope;
  if (!unit.empty()) STAVE_RETURN_IF_ERROR(SetScope(unit, UnitProperties(limits, now.cpu_period)));
  return group.Apply(limits);
}

absl::StatusOr<std::vector<pid_t>> Processes(const Root& root, absl::string_view id) {
  STAVE_ASSIGN_OR_RETURN(const Container container, Container::Open(root, id));
  STAVE_ASSIGN_OR_RETURN(const Record record, container.ReadRecord());
  const auto group = OpenGroup(record);
  if (absl::IsNotFound(group.status())) return std::vector<pid_t>();
  if (!group.ok()) return group.status();
  return group->Processes();
}

}  // namespace stave::lifecycle
