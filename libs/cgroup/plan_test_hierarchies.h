// SPDX-License-Identifier: Apache-2.0
//
// Machines to plan for.

#ifndef STAVE_LIBS_CGROUP_PLAN_TEST_HIERARCHIES_H_
#define STAVE_LIBS_CGROUP_PLAN_TEST_HIERARCHIES_H_

#include "absl/strings/str_cat.h"
#include "libs/cgroup/hierarchy.h"

namespace stave::cgroup {

inline Hierarchies V1() {
  Hierarchies all;
  for (const char* controller : {"cpu", "cpuset", "memory", "devices", "blkio", "pids"}) {
    all.all.push_back({Version::kV1, {controller}, absl::StrCat("/sys/fs/cgroup/", controller)});
  }
  return all;
}

inline Hierarchies V2() {
  return {{{Version::kV2,
            {"cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma"},
            "/sys/fs/cgroup"}}};
}

}  // namespace stave::cgroup

#endif  // STAVE_LIBS_CGROUP_PLAN_TEST_HIERARCHIES_H_
