// SPDX-License-Identifier: Apache-2.0
//
// Cloning a child whose namespaces are not all made for it. Internal to libs/runtime.
//
// A pid namespace can only be joined by a parent for its children, new namespaces belong to the
// user namespace of whoever makes them, and from inside a new user namespace those of the host
// cannot be joined any more. So a process in between joins and clones, with CLONE_PARENT: the
// caller is the parent all the same.

#ifndef STAVE_LIBS_RUNTIME_JOIN_H_
#define STAVE_LIBS_RUNTIME_JOIN_H_

#include <linux/sched.h>
#include <sys/types.h>

#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"
#include "libs/cgroup/cgroup.h"
#include "libs/runtime/plan.h"

namespace stave::runtime {

// Whether the plan needs the process in between.
bool NeedsJoiner(const Plan& plan);

// A process by its number and a descriptor of it. pid 0: the caller is the child.
struct Cloned {
  pid_t pid = -1;
  base::UniqueFd pidfd;
};

// The child is to be in `group` (nullptr: the caller's) from the first, where clone3(2) can do
// that.
void CloneInto(const cgroup::Cgroup* group, clone_args* args);

// clone3(2) with `args` (flags; cgroup). `namespaces`: for each one of the plan a descriptor to
// join before, or -1. Errors: those of clone3(2) and setns(2).
absl::StatusOr<Cloned> CloneDirectly(clone_args args);
absl::StatusOr<Cloned> CloneThroughJoiner(clone_args args, const Plan& plan,
                                          const std::vector<int>& namespaces);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_JOIN_H_
