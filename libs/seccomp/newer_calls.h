// SPDX-License-Identifier: Apache-2.0
//
// System calls that are newer than a policy: it cannot have meant them, so the answer is ENOSYS
// instead of its default action. C libraries fall back on ENOSYS; on EPERM their programs fail.
// As in runc. Newer are the calls with a higher number than any that the policy names.

#ifndef STAVE_LIBS_SECCOMP_NEWER_CALLS_H_
#define STAVE_LIBS_SECCOMP_NEWER_CALLS_H_

#include <linux/filter.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace stave::seccomp {

// What comes before the filter for `architectures` (SCMP_ARCH_*; others are the filter's), when a
// policy names the calls `names`. An architecture that has none of them is left out.
std::vector<sock_filter> RefuseNewerCalls(const std::set<uint32_t>& architectures,
                                          const std::vector<std::string>& names);

}  // namespace stave::seccomp

#endif  // STAVE_LIBS_SECCOMP_NEWER_CALLS_H_
