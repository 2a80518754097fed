// SPDX-License-Identifier: Apache-2.0
//
// The systemd cgroup manager's reading of a config: which unit, and which properties. Pure.
//
//   linux.cgroupsPath        "SLICE:PREFIX:NAME": the scope PREFIX-NAME.scope in SLICE
//     "machine.slice:stave:c1"  machine.slice, stave-c1.scope, /machine.slice/stave-c1.scope
//     "a-b.slice:cri:c1"        a-b.slice lies in a.slice: /a.slice/a-b.slice/cri-c1.scope
//     ":stave:c1"               in system.slice; so is an empty path, as stave-ID.scope
//     "-.slice::c1"             the root slice, and no prefix: /c1.scope
//   linux.resources          the limits that systemd keeps itself, so that no reload of it takes
//                            them back; all others are only in cgroupfs. What is not limited has
//                            systemd's defaults (DefaultTasksMax), as with runc
//
// Annotations say nothing here: what an image's author writes must not become a property of a unit
// (CVE-2024-3154). Sources: runc's docs/systemd.md; systemd.slice(5), systemd.unit(5),
// systemd.resource-control(5).

#ifndef STAVE_LIBS_LIFECYCLE_SCOPE_PLAN_H_
#define STAVE_LIBS_LIFECYCLE_SCOPE_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/cgroup/plan.h"

namespace stave::lifecycle {

// Who makes a container's cgroup.
enum class CgroupManager {
  kCgroupfs,  // stave itself
  kSystemd,   // systemd, as a transient scope
};

struct ScopeName {
  std::string slice;   // "machine.slice"
  std::string unit;    // "stave-c1.scope"
  std::string cgroup;  // where the two lie: "/machine.slice/stave-c1.scope"
};

// Errors: InvalidArgument [E_DOCUMENT] with the pointer /linux/cgroupsPath for any other form, a
// slice that is none, and characters that no unit's name has.
absl::StatusOr<ScopeName> ParseScopeName(absl::string_view cgroups_path, absl::string_view id);

// Whether a cgroupsPath is meant for systemd: two colons and no slash.
bool LooksLikeScope(absl::string_view cgroups_path);

// The properties for `limits` of cgroup v2, as stave-scope takes them: "MemoryMax=t:67108864".
// `period` is what is in force, in microseconds, where a quota comes without one.
std::vector<std::string> UnitProperties(const cgroup::Limits& limits, int64_t period = 100000);

}  // namespace stave::lifecycle

#endif  // STAVE_LIBS_LIFECYCLE_SCOPE_PLAN_H_
