// SPDX-License-Identifier: Apache-2.0
//
// The child's own attributes: who it is, what it may do, where it stands. Internal to libs/runtime.

#ifndef STAVE_LIBS_RUNTIME_CHILD_PROCESS_H_
#define STAVE_LIBS_RUNTIME_CHILD_PROCESS_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"
#include "libs/capability/capability.h"
#include "libs/cgroup/cgroup.h"
#include "libs/runtime/plan.h"

namespace stave::runtime {

// hostname, domainname, loopback up in a new network namespace, sysctls through `proc`, a procfs
// that no mount of the container can stand in front of.
absl::Status SetNamespaceValues(const Plan& plan, int proc);

// In the parent: what of process.capabilities can be given. In a user namespace that is all of it;
// else what the caller has not got is left out, with a warning.
enum class UserNamespace { kCallers, kOther };
absl::StatusOr<capability::Sets> ChooseCapabilities(const Process& process, UserNamespace where,
                                                    std::vector<std::string>* warnings);

// The hierarchies of `group` (nullptr: none) that clone3(2) cannot put a process in: v1's, which a
// process enters by itself (writing 0), which spares it a wait for the kernel.
absl::Status EnterCgroup(const cgroup::Cgroup* group);

// A session keyring of its own: keyrings are in no namespace.
absl::Status JoinNewKeyring();

// AppArmor's profile and SELinux's label for the execve(2) to come. Through `proc` and checked to
// be one: an image's own /proc/thread-self would take the text and do nothing (CVE-2019-16884).
// Errors: FailedPrecondition [E_UNSUPPORTED] if the kernel has no such module.
absl::Status SetLabels(int proc, const Process& process);

// oom_score_adj and rlimits; what the kernel refuses for want of CAP_SYS_RESOURCE becomes a
// warning.
absl::Status SetLimits(const Process& process, std::vector<std::string>* warnings);

// scheduler and ioPriority: sched_setattr(2), ioprio_set(2).
absl::Status SetScheduling(const Process& process);

// CPU list "0-2,7" -> sched_setaffinity(2) of the calling thread; "" changes nothing.
absl::Status SetAffinity(const std::string& list);

// Bounding set, groups, ids, the other capability sets, no_new_privs, seccomp, in the order that
// leaves each step the right it needs: a filter is loaded first, since that needs CAP_SYS_ADMIN,
// or, with no_new_privs, by the caller, as the last thing.
absl::Status SetIdentity(const Process& process, const capability::Sets& capabilities,
                         const std::function<absl::Status()>& load_filter);

// chdir(2) to process.cwd, which is made (0755) by MakeWorkDir where it is missing; the result is
// checked to lie inside the root (CVE-2024-21626). Before a filter may forbid it. Their errors have
// the cause "workdir" (report.h).
absl::Status MakeWorkDir(int root, const Process& process);
absl::Status EnterWorkDir(const Process& process);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_CHILD_PROCESS_H_
