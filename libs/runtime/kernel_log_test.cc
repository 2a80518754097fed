// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/kernel_log.h"

#include "gtest/gtest.h"

namespace stave::runtime {
namespace {

constexpr char kLog[] =
    "<4>[  100.5] perl invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0\n"
    "<6>[  100.6] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),oom_memcg=/stave/4f2a,"
    "task_memcg=/stave/4f2a,task=perl,pid=77,uid=0\n"
    "<6>[  101.0] a.out[4711]: segfault at 0 ip 01 sp 02 error 6 in a.out[1,2+1]\n"
    "<6>[  102.0] traps: b[4712] trap divide error ip:1 sp:2 error:0 in b[1,2]\n"
    "<5>[  103.0] audit: type=1326 audit(1.451:447): uid=0 pid=4711 comm=\"k\" sig=31 "
    "arch=c000003e syscall=83 compat=0\n"
    "<5>[  104.0] audit: type=1400 audit(1.451:448): pid=4711 \n"
    "rubbish\n<6>[x] a.out[4711]: segfault at 0\n";

KernelSubject About(const std::string& id, pid_t pid) {
  KernelSubject subject;
  subject.id = id;
  subject.pid = pid;
  return subject;
}

TEST(KernelLogTest, LinesAreFoundByContainerAndProcess) {
  const auto memory = FindKernelLines(kLog, About("4f2a", 1), 90);
  ASSERT_EQ(memory.size(), 1u);
  EXPECT_EQ(memory[0].substr(0, 35), "oom-kill:constraint=CONSTRAINT_MEMC");
  const auto first = FindKernelLines(kLog, About("none", 4711), 90);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0], "a.out[4711]: segfault at 0 ip 01 sp 02 error 6 in a.out[1,2+1]");
  EXPECT_EQ(first[1].substr(0, 16), "audit: type=1326");
  EXPECT_EQ(FindKernelLines(kLog, About("none", 4712), 90).size(), 1u);
  EXPECT_TRUE(FindKernelLines(kLog, About("none", 471), 90).empty());
  EXPECT_TRUE(FindKernelLines(kLog, About("", 0), 90).empty());
}

// The number of a process is used again.
TEST(KernelLogTest, WhatIsOlderIsAboutAnotherOne) {
  EXPECT_EQ(FindKernelLines(kLog, About("none", 4711), 104).size(), 1u);
  EXPECT_TRUE(FindKernelLines(kLog, About("none", 4711), 200).empty());
}

TEST(KernelLogTest, TheLastAreKept) {
  std::string text;
  for (int i = 0; i < 10; ++i) text += "<6>[  1.5] a[9]: segfault at " + std::to_string(i) + "\n";
  const auto lines = FindKernelLines(text, About("", 9), 0);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines.back(), "a[9]: segfault at 9");
}

TEST(KernelLogTest, ReadingItNeverFails) { (void)KernelLinesOn(About("none", 0)); }

}  // namespace
}  // namespace stave::runtime
