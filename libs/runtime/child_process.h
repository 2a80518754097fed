// SPDX-License-Identifier: Apache-2.0
//
// The child's own attributes: who it is, what it may do, where it stands. Internal to libs/runtime.

#ifndef STAVE_LIBS_RUNTIME_CHILD_PROCESS_H_
#define STAVE_LIBS_RUNTIME_CHILD_PROCESS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/runtime/child.h"

namespace stave::runtime {

// hostname, domainname, loopback up in a new network namespace, sysctls through `proc`, a procfs
// that no mount of the container can stand in front of.
absl::Status SetNamespaceValues(const Plan& plan, int proc);

// oom_score_adj and rlimits; what the kernel refuses for want of CAP_SYS_RESOURCE becomes a warning.
absl::Status SetLimits(const Process& process, std::vector<std::string>* warnings);

// Bounding set, groups, ids, the other capability sets, no_new_privs, seccomp, in the order that
// leaves each step the right it needs.
absl::Status SetIdentity(const ChildInputs& inputs);

// chdir(2) to process.cwd, which is made (0755) by MakeWorkDir where it is missing; the result is
// checked to lie inside the root (CVE-2024-21626).
absl::Status MakeWorkDir(int root, const Process& process);
absl::Status EnterWorkDir(const Process& process);

// The path of args[0] in the container: itself if it has a slash, else found in PATH of
// process.env. Errors: with exit codes 126 and 127.
absl::StatusOr<std::string> FindProgram(const Process& process);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_CHILD_PROCESS_H_
