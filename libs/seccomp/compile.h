// SPDX-License-Identifier: Apache-2.0
//
// An OCI seccomp policy -> the BPF program that seccomp(2) loads.
//
//   {"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":1,"architectures":["SCMP_ARCH_X86_64"],
//    "flags":["SECCOMP_FILTER_FLAG_LOG"],
//    "syscalls":[{"names":["read","write"],"action":"SCMP_ACT_ALLOW"},
//                {"names":["socket"],"action":"SCMP_ACT_ERRNO","errnoRet":97,
//                 "args":[{"index":0,"value":40,"op":"SCMP_CMP_EQ"}]}]}
//
// Compiling takes milliseconds, loading the result far less: callers keep the program under the
// digest of json::Print(policy), together with kCompilerVersion and the kernel's release.
//
// As in runc and crun: system calls that this libseccomp does not know are skipped; this machine's
// own architecture is always in; conditions on one argument that a rule names twice are
// alternatives; calls newer than the policy fail with ENOSYS
// (newer_calls.h); a rule that notifies needs linux.seccomp.listenerPath, which is not looked at
// here. Sources: OCI config-linux.md "Seccomp"; seccomp(2); seccomp_rule_add(3).

#ifndef STAVE_LIBS_SECCOMP_COMPILE_H_
#define STAVE_LIBS_SECCOMP_COMPILE_H_

#include <linux/filter.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/json/value.h"

namespace stave::seccomp {

// Changes whenever the same policy compiles to another program: part of a cache key.
inline constexpr int kCompilerVersion = 3;

struct Program {
  std::vector<sock_filter> filter;
  // SECCOMP_FILTER_FLAG_* for seccomp(2). With NEW_LISTENER, if a rule notifies, that call returns
  // the descriptor of the notifications, which the caller gives to linux.seccomp.listenerPath.
  unsigned int flags = 0;
  // Names that were skipped since libseccomp does not know them; for --v.
  std::vector<std::string> unknown_syscalls;
};

// Compiles `policy`, the value of linux.seccomp; messages point into it as "/linux/seccomp/..".
// Errors: InvalidArgument [E_SECCOMP] for an unknown action, operator, architecture or flag, a
// wrong type, errnoRet with an action that has none, an argument index above 5, SCMP_ACT_NOTIFY for
// all calls or for write(2): a process under the filter must be able to hand its descriptor over.
// ResourceExhausted [E_LIMIT] if the program is longer than the kernel takes (4096 instructions).
// Messages name the rule and the system call.
absl::StatusOr<Program> Compile(const json::Value& policy);

// What a policy may say, in the order of their tables: for `features`.
std::vector<std::string> ActionNames();
std::vector<std::string> OperatorNames();
std::vector<std::string> ArchitectureNames();
std::vector<std::string> FlagNames();

// "2.5.4": of libseccomp.
std::string LibraryVersion();

}  // namespace stave::seccomp

#endif  // STAVE_LIBS_SECCOMP_COMPILE_H_
