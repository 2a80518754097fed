// SPDX-License-Identifier: Apache-2.0
//
// How cgroups are mounted on this machine: one v2 tree, a v1 hierarchy for each group of
// controllers, or both (hybrid).
//
//   32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
//   40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
//   41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
//
// Sources: proc_pid_mountinfo(5); cgroups(7).

#ifndef STAVE_LIBS_CGROUP_HIERARCHY_H_
#define STAVE_LIBS_CGROUP_HIERARCHY_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stave::cgroup {

enum class Version { kV1, kV2 };

// One mounted hierarchy.
struct Hierarchy {
  Version version = Version::kV1;
  // v1: those it was mounted with, {"cpu","cpuacct"} or {"name=systemd"}; v2: the words of
  // cgroup.controllers at its root, perhaps none.
  std::vector<std::string> controllers;
  std::string mount_point;  // absolute, without a slash at its end
};

// All hierarchies that this process sees: those of v1 in the order of their mounts, v2 last.
struct Hierarchies {
  std::vector<Hierarchy> all;

  // The hierarchy that has `controller` ("memory", "cpuset", "io"), or nullptr. "io" and "blkio"
  // are two names of one controller, and either finds it.
  const Hierarchy* Find(absl::string_view controller) const;
  // The v2 tree, or nullptr. It may be without controllers.
  const Hierarchy* Unified() const;
  bool HasV1() const;
};

// The hierarchies in the text of a mountinfo file: mounts that are covered by others are left out,
// of several mounts of one hierarchy the first that shows its root is taken; lines that are not
// understood are passed over. The v2 tree comes without its controllers.
Hierarchies ParseMountinfo(absl::string_view mountinfo);

// The hierarchies that the text of /proc/self/cgroup names, if each v1 one is mounted where
// everybody mounts it, /sys/fs/cgroup/NAME; the v2 tree is /sys/fs/cgroup/unified or nowhere.
// nullopt: look into mountinfo.
std::optional<Hierarchies> HierarchiesAtUsualPlaces(absl::string_view proc_cgroup);

// Those of this process: one statfs(2) where /sys/fs/cgroup is v2, else those at their usual
// places, else /proc/self/mountinfo.
// Errors: FailedPrecondition [E_CGROUP] if no cgroup file system is mounted.
absl::StatusOr<Hierarchies> FindHierarchies();

}  // namespace stave::cgroup

#endif  // STAVE_LIBS_CGROUP_HIERARCHY_H_
