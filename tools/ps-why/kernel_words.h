// SPDX-License-Identifier: Apache-2.0
//
// What lines of the kernel's log say of the end of a process:
//
//   oom-kill:constraint=CONSTRAINT_MEMCG,..,task_memcg=/stave/4f..,task=perl,pid=4711,uid=0
//   a.out[4711]: segfault at 0 ip 00.. sp 00.. error 6 in a.out[1132,558c153b0000+1000]
//   traps: a.out[4711] trap invalid opcode ip:.. sp:.. error:0 in a.out[..]
//   audit: type=1326 audit(..): .. pid=4711 comm="a" exe="/a" sig=31 arch=c000003e syscall=83 ..
//
// Which lines are about the container was seen when they were kept (libs/runtime/kernel_log.h).

#ifndef STAVE_TOOLS_PS_WHY_KERNEL_WORDS_H_
#define STAVE_TOOLS_PS_WHY_KERNEL_WORDS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace stave::tools {

struct OomVictim {
  std::string name;
  int64_t pid = 0;
  bool by_limit = false;  // a cgroup's limit was reached; else the machine was out of memory
  std::string cgroup;     // whose limit that was
};

struct DeniedCall {
  uint32_t architecture = 0;  // AUDIT_ARCH_*
  int number = -1;
};

struct KernelWords {
  std::vector<OomVictim> victims;
  std::string fault;  // "segfault at 0 ip .."
  std::optional<DeniedCall> call;
};

KernelWords ParseKernelWords(const std::vector<std::string>& lines);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_PS_WHY_KERNEL_WORDS_H_
