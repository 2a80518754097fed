// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/group.h"

#include "libs/base/status_macros.h"
#include "libs/cgroup/freezer.h"

namespace stave::lifecycle {

absl::StatusOr<cgroup::Cgroup> OpenGroup(const Record& record,
                                         const cgroup::Hierarchies& hierarchies) {
  if (record.cgroup.empty()) return absl::NotFoundError("the container has no cgroup");
  return cgroup::Cgroup::Open(record.cgroup, hierarchies);
}

absl::StatusOr<cgroup::Cgroup> OpenGroup(const Record& record, Machine* machine) {
  const auto& hierarchies = machine->Hierarchies();
  return hierarchies.ok() ? OpenGroup(record, *hierarchies) : hierarchies.status();
}

absl::StatusOr<cgroup::Cgroup> OpenGroup(const Record& record) {
  Machine machine;
  return OpenGroup(record, &machine);
}

CgroupManager ManagerOf(const Record& record) {
  return record.scope.empty() ? CgroupManager::kCgroupfs : CgroupManager::kSystemd;
}

bool IsFrozen(const Record& record, Machine* machine) {
  const auto& all = machine->Hierarchies();
  if (!all.ok()) return false;
  // Of a dozen hierarchies only this one is asked.
  const cgroup::Hierarchy* freezer = all->Find("freezer");
  if (freezer == nullptr) freezer = all->Unified();
  if (freezer == nullptr) return false;
  const auto group = OpenGroup(record, cgroup::Hierarchies{{*freezer}});
  return group.ok() && cgroup::IsFrozen(*group);
}

}  // namespace stave::lifecycle
