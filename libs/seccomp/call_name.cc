// SPDX-License-Identifier: Apache-2.0
#include "libs/seccomp/call_name.h"

#include <seccomp.h>
#include <stdlib.h>

namespace stave::seccomp {

std::string CallName(uint32_t architecture, int number) {
  // SCMP_ARCH_* are the kernel's numbers.
  char* found = ::seccomp_syscall_resolve_num_arch(architecture, number);
  const std::string name = found != nullptr ? found : "";
  ::free(found);
  return name;
}

}  // namespace stave::seccomp
