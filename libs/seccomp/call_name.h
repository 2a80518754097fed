// SPDX-License-Identifier: Apache-2.0
//
// The name of a system call by its number, as audit records have it.

#ifndef STAVE_LIBS_SECCOMP_CALL_NAME_H_
#define STAVE_LIBS_SECCOMP_CALL_NAME_H_

#include <cstdint>
#include <string>

namespace stave::seccomp {

// `architecture`: AUDIT_ARCH_* of <linux/audit.h>. "" for a number that nobody knows.
std::string CallName(uint32_t architecture, int number);

}  // namespace stave::seccomp

#endif  // STAVE_LIBS_SECCOMP_CALL_NAME_H_
