// SPDX-License-Identifier: Apache-2.0
//
// The system calls that a container may make by default: Docker's policy, in our own table.
//
//   {"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":1,
//    "architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86","SCMP_ARCH_X32"],
//    "syscalls":[{"names":["accept",..],"action":"SCMP_ACT_ALLOW"}, ..]}
//
// Everything not named fails with EPERM. Some calls are allowed only with the capability that the
// kernel asks for anyway; new namespaces (clone, unshare, setns) and mounts need CAP_SYS_ADMIN;
// clone3, whose flags a filter cannot see, then fails with ENOSYS, so that C libraries use clone.
// socket(2) may not open AF_ALG (38), AF_VSOCK (40) and families that nobody knows (above 45);
// io_uring, keyrings and userfaultfd are out.
// Names that a runtime's libseccomp does not know are skipped by it.
// Sources: OCI config-linux.md "Seccomp"; Docker's default profile; kernel floor 5.11 (ptrace is
// safe to allow since 4.8).

#ifndef STAVE_LIBS_OCI_DEFAULT_SECCOMP_H_
#define STAVE_LIBS_OCI_DEFAULT_SECCOMP_H_

#include <string>
#include <vector>

#include "libs/json/value.h"

namespace stave::oci {

// The value of `linux.seccomp` for a process whose bounding set is `bounding` ("CAP_CHOWN", ..).
// Whoever changes the capabilities makes it anew.
json::Value DefaultSeccomp(const std::vector<std::string>& bounding);

}  // namespace stave::oci

#endif  // STAVE_LIBS_OCI_DEFAULT_SECCOMP_H_
