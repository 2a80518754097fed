// SPDX-License-Identifier: Apache-2.0
#include "libs/seccomp/newer_calls.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include <cerrno>

#include "gtest/gtest.h"

namespace stave::seccomp {
namespace {

constexpr uint32_t kGoesOn = 0;

// What the instructions say to a call; kGoesOn if they leave it to what follows.
uint32_t Ask(const std::vector<sock_filter>& filter, uint32_t arch, uint32_t number) {
  uint32_t a = 0;
  for (size_t pc = 0; pc < filter.size(); ++pc) {
    const sock_filter& i = filter[pc];
    if (BPF_CLASS(i.code) == BPF_RET) return i.k;
    if (BPF_CLASS(i.code) == BPF_LD) {
      a = i.k == offsetof(seccomp_data, nr) ? number : arch;
      continue;
    }
    const bool holds = BPF_OP(i.code) == BPF_JEQ   ? a == i.k
                       : BPF_OP(i.code) == BPF_JGE ? a >= i.k
                                                   : a > i.k;
    pc += holds ? i.jt : i.jf;
  }
  return kGoesOn;
}

constexpr uint32_t kUnknown = SECCOMP_RET_ERRNO | ENOSYS;

TEST(RefuseNewerCallsTest, ByArchitecture) {
  // write is 1 for x86_64 and x32, 4 for x86.
  const auto filter =
      RefuseNewerCalls({SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32}, {"read", "write", "none"});

  EXPECT_EQ(Ask(filter, AUDIT_ARCH_X86_64, 1), kGoesOn);
  EXPECT_EQ(Ask(filter, AUDIT_ARCH_X86_64, 2), kUnknown);
  EXPECT_EQ(Ask(filter, AUDIT_ARCH_I386, 4), kGoesOn);
  EXPECT_EQ(Ask(filter, AUDIT_ARCH_I386, 5), kUnknown);
  EXPECT_EQ(Ask(filter, AUDIT_ARCH_X86_64, 0x40000001), kGoesOn);
  EXPECT_EQ(Ask(filter, AUDIT_ARCH_X86_64, 0x40000002), kUnknown);
  EXPECT_EQ(Ask(filter, AUDIT_ARCH_AARCH64, 9999), kGoesOn);
}

TEST(RefuseNewerCallsTest, X32IsTheFiltersIfItIsNotNamed) {
  const auto filter = RefuseNewerCalls({SCMP_ARCH_X86_64}, {"write"});

  EXPECT_EQ(Ask(filter, AUDIT_ARCH_X86_64, 2), kUnknown);
  EXPECT_EQ(Ask(filter, AUDIT_ARCH_X86_64, 0x40000002), kGoesOn);
}

TEST(RefuseNewerCallsTest, NothingNamedNothingNewer) {
  EXPECT_TRUE(RefuseNewerCalls({SCMP_ARCH_X86_64}, {}).empty());
  EXPECT_TRUE(RefuseNewerCalls({SCMP_ARCH_X86_64}, {"from_the_future"}).empty());
}

}  // namespace
}  // namespace stave::seccomp
