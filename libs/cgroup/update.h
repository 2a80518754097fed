// SPDX-License-Identifier: Apache-2.0
//
// New limits for a cgroup that is in use: what `update --resources` of an OCI runtime gets, the
// members of `linux.resources` that are to change.
//
//   STAVE_ASSIGN_OR_RETURN(Cgroup group, Cgroup::Open(path, hierarchies));
//   STAVE_ASSIGN_OR_RETURN(const Limits limits,
//                          PlanUpdate(&resources, group.ReadLimits(), hierarchies));
//   STAVE_RETURN_IF_ERROR(group.Apply(limits));
//
// plan.h says what is written where. Besides, in an update:
// - What is absent, null or 0 stays as it is; so does pids.limit 0, which engines send where they
//   have nothing to say (-1 takes a limit away). cpu.burst and cpu.idle 0 are values.
// - The order of the writes is one that the kernel takes from where the cgroup is: of memory and
//   swap the growing one first on v1; of cpu quota and period the one that leaves the smaller share
//   in between; burst below quota; idle off before the weight.
// - memory.swap is the sum of memory and swap on either side. Where only the limit is given the sum
//   stays, and where only the sum is given the limit does. memory.limit -1 alone takes the limit of
//   swap away, too.
// - memory.checkBeforeUpdate: a limit below what is in use is refused, on either side. Without it
// v1
//   refuses what it cannot reclaim, and v2 kills.
// - `devices` is the whole list, as in a config: the default devices follow it. On v1 the
//   difference is written, so that nothing allowed before and after is denied in between; on v2
//   the new program takes the place of the old one.
// Sources: config-linux.md; runc's update(8); kernel cgroup-v1/memory.rst, sched-bwc.rst.

#ifndef STAVE_LIBS_CGROUP_UPDATE_H_
#define STAVE_LIBS_CGROUP_UPDATE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "libs/cgroup/hierarchy.h"
#include "libs/cgroup/plan.h"
#include "libs/json/value.h"

namespace stave::cgroup {

// What is in force; by default that of a new cgroup. -1: no limit.
struct CurrentLimits {
  int64_t memory = -1;  // bytes
  // v1: bytes of memory and swap together; v2: of swap alone. Absent: swap is not counted.
  std::optional<int64_t> swap = -1;
  int64_t memory_used = 0;
  int64_t cpu_quota = -1;  // microseconds
  int64_t cpu_period = 100000;
  int64_t cpu_burst = 0;
  int64_t realtime_runtime = 0;
  int64_t realtime_period = 1000000;
  std::optional<std::string> devices;  // v1: the text of devices.list
};

// The writes that lead from `current` to what `resources` asks for.
// Errors: those of PlanLimits; InvalidArgument [E_DOCUMENT] for a limit of memory above the sum in
// force and the like; FailedPrecondition [E_STATE] for checkBeforeUpdate.
absl::StatusOr<Limits> PlanUpdate(const json::Value* resources, const CurrentLimits& current,
                                  const Hierarchies& hierarchies);

}  // namespace stave::cgroup

#endif  // STAVE_LIBS_CGROUP_UPDATE_H_
