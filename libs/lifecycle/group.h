// SPDX-License-Identifier: Apache-2.0
//
// A container's cgroup, found again by its record.

#ifndef STAVE_LIBS_LIFECYCLE_GROUP_H_
#define STAVE_LIBS_LIFECYCLE_GROUP_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/cgroup/cgroup.h"
#include "libs/cgroup/hierarchy.h"
#include "libs/lifecycle/machine.h"
#include "libs/lifecycle/record.h"
#include "libs/lifecycle/scope_plan.h"

namespace stave::lifecycle {

// Borrowed from the kernel: it stays when the result goes.
// Errors: NotFound if the container has none, or it has been removed.
absl::StatusOr<cgroup::Cgroup> OpenGroup(const Record& record,
                                         const cgroup::Hierarchies& hierarchies);
absl::StatusOr<cgroup::Cgroup> OpenGroup(const Record& record, Machine* machine);
absl::StatusOr<cgroup::Cgroup> OpenGroup(const Record& record);

// Who made it.
CgroupManager ManagerOf(const Record& record);

// Whether its processes are frozen. What cannot be read counts as thawed.
bool IsFrozen(const Record& record, Machine* machine);

}  // namespace stave::lifecycle

#endif  // STAVE_LIBS_LIFECYCLE_GROUP_H_
