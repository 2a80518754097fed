// SPDX-License-Identifier: Apache-2.0
#include "libs/seccomp/newer_calls.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include <algorithm>
#include <cstddef>

namespace stave::seccomp {
namespace {

constexpr uint32_t kX32Bit = 0x40000000;  // in the numbers of x32, whose architecture is x86_64's
constexpr sock_filter kRefuse = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
constexpr sock_filter kLoadNumber = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
constexpr sock_filter kLoadArchitecture =
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch));

sock_filter Jump(int compare, uint32_t value, uint8_t if_true, uint8_t if_false) {
  return BPF_JUMP(static_cast<uint16_t>(BPF_JMP | compare | BPF_K), value, if_true, if_false);
}

// The highest number among `names`; negative if there is none.
int Highest(uint32_t architecture, const std::vector<std::string>& names) {
  int highest = -1;
  for (const std::string& name : names) {
    highest = std::max(highest, seccomp_syscall_resolve_name_arch(architecture, name.c_str()));
  }
  return highest;
}

}  // namespace

std::vector<sock_filter> RefuseNewerCalls(const std::set<uint32_t>& architectures,
                                          const std::vector<std::string>& names) {
  std::vector<sock_filter> out;
  for (const uint32_t architecture : architectures) {
    const int highest = Highest(architecture, names);
    if (architecture == SCMP_ARCH_X32 || highest < 0) continue;
    const bool has_x32 = architecture == SCMP_ARCH_X86_64 && architectures.count(SCMP_ARCH_X32) > 0;
    const int x32 = has_x32 ? Highest(SCMP_ARCH_X32, names) : -1;
    // x32's numbers lie above all others; without x32 the filter itself refuses them.
    const uint32_t limit = x32 >= 0 ? static_cast<uint32_t>(x32) : UINT32_MAX;
    out.push_back(kLoadArchitecture);
    out.push_back(Jump(BPF_JEQ, architecture, 0, 5));
    out.push_back(kLoadNumber);
    out.push_back(Jump(BPF_JGE, kX32Bit, 1, 0));
    out.push_back(Jump(BPF_JGT, static_cast<uint32_t>(highest), 1, 2));
    out.push_back(Jump(BPF_JGT, limit, 0, 1));
    out.push_back(kRefuse);
  }
  return out;
}

}  // namespace stave::seccomp
