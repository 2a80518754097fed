// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/container_group.h"

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/hierarchy.h"

namespace stave::runtime {

bool IsCgroupOf(const std::string& id, absl::string_view cgroup) {
  return absl::EndsWith(cgroup, absl::StrCat("/", id));
}

absl::StatusOr<cgroup::Cgroup> OpenCgroupOf(const store::ContainerView& container) {
  const std::string& id = container.record.id;
  const std::string path = container.state.has_value() ? container.state->cgroup : "";
  if (!IsCgroupOf(id, path)) {
    return absl::NotFoundError(absl::StrCat("container ", id, ": has no cgroup of its own"));
  }
  STAVE_ASSIGN_OR_RETURN(const cgroup::Hierarchies hierarchies, cgroup::FindHierarchies());
  return cgroup::Cgroup::Open(path, hierarchies);
}

}  // namespace stave::runtime
