// SPDX-License-Identifier: Apache-2.0
//
// What is the same for all containers while a command runs, read once, when it is first asked for.
//
//   Machine machine;
//   for (..) container.Look(&machine, Freezer::kAsk);

#ifndef STAVE_LIBS_LIFECYCLE_MACHINE_H_
#define STAVE_LIBS_LIFECYCLE_MACHINE_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "libs/cgroup/hierarchy.h"

namespace stave::lifecycle {

// For one thread. An error stays: it is not tried again.
class Machine {
 public:
  const absl::StatusOr<std::string>& BootId();               // base::BootId()
  const absl::StatusOr<cgroup::Hierarchies>& Hierarchies();  // cgroup::FindHierarchies()

 private:
  std::optional<absl::StatusOr<std::string>> boot_id_;
  std::optional<absl::StatusOr<cgroup::Hierarchies>> hierarchies_;
};

}  // namespace stave::lifecycle

#endif  // STAVE_LIBS_LIFECYCLE_MACHINE_H_
