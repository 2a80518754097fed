// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/machine.h"

#include "libs/base/process.h"

namespace stave::lifecycle {

const absl::StatusOr<std::string>& Machine::BootId() {
  if (!boot_id_) boot_id_.emplace(base::BootId());
  return *boot_id_;
}

const absl::StatusOr<cgroup::Hierarchies>& Machine::Hierarchies() {
  if (!hierarchies_) hierarchies_.emplace(cgroup::FindHierarchies());
  return *hierarchies_;
}

}  // namespace stave::lifecycle
