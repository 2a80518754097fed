// SPDX-License-Identifier: Apache-2.0
//
// Entering and making namespaces, one process at a time. Internal to libs/runtime.
//
// Sources: namespaces(7), setns(2), user_namespaces(7), time_namespaces(7).

#ifndef STAVE_LIBS_RUNTIME_NAMESPACES_H_
#define STAVE_LIBS_RUNTIME_NAMESPACES_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "libs/runtime/plan.h"

namespace stave::runtime {

inline constexpr int kCloneNewTime = 0x00000080;

// setns(2) into those of `fds` (one for each namespace of the plan) that are not -1. The user
// namespace comes last, as the caller's rights reach further; what they do not reach is tried again
// after it. A pid namespace is for children only.
absl::Status JoinNamespaces(const Plan& plan, const std::vector<int>& fds);

// A new time namespace with `offsets`, which the calling thread is in afterwards.
absl::Status MakeTimeNamespace(const std::vector<TimeOffset>& offsets);

// Takes ids 0 in a user namespace that the caller has just come to.
absl::Status BecomeRootOfUserNamespace();

// clone3(2)'s flags for the namespaces that the plan creates. Not the cgroup namespace, which the
// child makes once it is in its cgroup, and not the time namespace, which it makes for itself.
uint64_t NamespaceFlags(const Plan& plan);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_NAMESPACES_H_
