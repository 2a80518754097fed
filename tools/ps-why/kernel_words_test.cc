// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-why/kernel_words.h"

#include "gtest/gtest.h"

namespace stave::tools {
namespace {

TEST(KernelWordsTest, WhoWasKilledForMemory) {
  const KernelWords words = ParseKernelWords(
      {"oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=a,mems_allowed=0,"
       "oom_memcg=/stave/4f,task_memcg=/stave/4f,task=perl,pid=10029,uid=0",
       "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,"
       "task_memcg=/stave/4f,task=a b,pid=7,uid=0"});

  ASSERT_EQ(words.victims.size(), 2u);
  EXPECT_EQ(words.victims[0].name, "perl");
  EXPECT_EQ(words.victims[0].pid, 10029);
  EXPECT_TRUE(words.victims[0].by_limit);
  EXPECT_EQ(words.victims[0].cgroup, "/stave/4f");
  EXPECT_EQ(words.victims[1].name, "a b");
  EXPECT_FALSE(words.victims[1].by_limit);
}

TEST(KernelWordsTest, Faults) {
  EXPECT_EQ(ParseKernelWords({"a[9]: segfault at 0 ip 0055 sp 00ff error 6 in a[1132,55+1]"}).fault,
            "segfault at 0 ip 0055 sp 00ff error 6 in a[1132,55+1]");
  EXPECT_EQ(ParseKernelWords({"traps: a[9] trap divide error ip:1 sp:2 error:0 in a[1,2]"}).fault,
            "trap divide error ip:1 sp:2 error:0 in a[1,2]");
}

TEST(KernelWordsTest, DeniedCalls) {
  const KernelWords words = ParseKernelWords(
      {"audit: type=1326 audit(1795264419.451:447): auid=4294967295 uid=0 gid=0 ses=4294967295 "
       "pid=28875 comm=\"kill\" exe=\"/kill\" sig=31 arch=c000003e syscall=83 compat=0 ip=0x7f "
       "code=0x80000000"});

  ASSERT_TRUE(words.call.has_value());
  EXPECT_EQ(words.call->number, 83);
  EXPECT_EQ(words.call->architecture, 0xc000003eu);
}

TEST(KernelWordsTest, WhatIsNoneSaysNothing) {
  const KernelWords words = ParseKernelWords({"", "oom-kill:", "audit: type=1326 arch= syscall=x"});

  EXPECT_TRUE(words.victims.empty());
  EXPECT_FALSE(words.call.has_value());
  EXPECT_EQ(words.fault, "");
}

}  // namespace
}  // namespace stave::tools
