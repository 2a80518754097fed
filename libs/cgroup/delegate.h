// SPDX-License-Identifier: Apache-2.0
//
// Handing a cgroup to the root of a container: the ownership of its directory and of the files
// with which it is divided further, not of its limits.
//
// Sources: config-linux.md "Cgroup ownership"; kernel cgroup-v2.rst "Delegation";
// /sys/kernel/cgroup/delegate, which names the files.

#ifndef STAVE_LIBS_CGROUP_DELEGATE_H_
#define STAVE_LIBS_CGROUP_DELEGATE_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "libs/cgroup/cgroup.h"

namespace stave::cgroup {

// Makes `uid` (as the host knows it) the owner of the v2 directory and of the files that the kernel
// names; those that the cgroup does not have are passed over, the group stays. Does nothing where
// v1 controllers are in use: those must not be handed on. To be called where the container has a
// cgroup namespace of its own and sees its cgroup writable.
// Errors: those of fchownat(2); what was handed over before stays so.
absl::Status Delegate(const Cgroup& group, uid_t uid);

// The plain names in the text of /sys/kernel/cgroup/delegate; if there are none, those that every
// kernel with v2 has.
std::vector<std::string> DelegatedFiles(absl::string_view text);

}  // namespace stave::cgroup

#endif  // STAVE_LIBS_CGROUP_DELEGATE_H_
