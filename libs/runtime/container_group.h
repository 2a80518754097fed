// SPDX-License-Identifier: Apache-2.0
//
// The cgroup of a container that somebody runs: what is done to its processes is done there.

#ifndef STAVE_LIBS_RUNTIME_CONTAINER_GROUP_H_
#define STAVE_LIBS_RUNTIME_CONTAINER_GROUP_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/cgroup/cgroup.h"
#include "libs/store/containers.h"

namespace stave::runtime {

// Whether a cgroup's path bears the container's id at its end, as all that are made for one do: no
// other is touched, whatever a state file says.
bool IsCgroupOf(const std::string& id, absl::string_view cgroup);

// The one that its state names; without owning it. Errors: NotFound if there is none, or it is not
// the container's; FailedPrecondition [E_CGROUP] if no cgroups are mounted.
absl::StatusOr<cgroup::Cgroup> OpenCgroupOf(const store::ContainerView& container);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_CONTAINER_GROUP_H_
