// SPDX-License-Identifier: Apache-2.0
#include "libs/seccomp/call_name.h"

#include <linux/audit.h>

#include "gtest/gtest.h"

namespace stave::seccomp {
namespace {

TEST(CallNameTest, EachArchitectureHasItsNumbers) {
  EXPECT_EQ(CallName(AUDIT_ARCH_X86_64, 83), "mkdir");
  EXPECT_EQ(CallName(AUDIT_ARCH_AARCH64, 34), "mkdirat");
  EXPECT_EQ(CallName(AUDIT_ARCH_I386, 39), "mkdir");
}

TEST(CallNameTest, WhatNobodyKnowsHasNone) {
  EXPECT_EQ(CallName(AUDIT_ARCH_X86_64, 100000), "");
  EXPECT_EQ(CallName(1, 83), "");
}

}  // namespace
}  // namespace stave::seccomp
