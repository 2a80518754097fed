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

absl::StatusOr<cgroup::Cgroup> OpenGroup(const Record& record) {
  STAVE_ASSIGN_OR_RETURN(const cgroup::Hierarchies hierarchies, cgroup::FindHierarchies());
  return OpenGroup(record, hierarchies);
}

CgroupManager ManagerOf(const Record& record) {
  return record.scope.empty() ? CgroupManager::kCgroupfs : CgroupManager::kSystemd;
}

bool IsFrozen(const Record& record) {
  const auto group = OpenGroup(record);
  return group.ok() && cgroup::IsFrozen(*group);
}

}  // namespace stave::lifecycle
