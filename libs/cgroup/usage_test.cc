// SPDX-License-Identifier: Apache-2.0
#include "libs/cgroup/usage.h"

#include "gtest/gtest.h"

namespace stave::cgroup {
namespace {

TEST(FindCountTest, FindsTheWholeKey) {
  constexpr char kEvents[] = "low 0\nhigh 0\nmax 7\noom 1\noom_kill 2\noom_group_kill 3\n";

  EXPECT_EQ(FindCount(kEvents, "oom_kill"), 2);
  EXPECT_EQ(FindCount(kEvents, "oom"), 1);
  EXPECT_EQ(FindCount(kEvents, "kill"), std::nullopt);
}

TEST(FindCountTest, PassesOverWhatIsNoNumber) {
  EXPECT_EQ(FindCount("", "max"), std::nullopt);
  EXPECT_EQ(FindCount("max", "max"), std::nullopt);
  EXPECT_EQ(FindCount("max \nmax x\nmax 99999999999999999999\nmax 1 2\n", "max"), std::nullopt);
}

TEST(ParseIoStatTest, AddsTheDevices) {
  Usage usage;

  ParseIoStat("8:0 rbytes=4096 wbytes=1 rios=9\n\n253:0 rbytes=4 wbytes=2\n8:16\n", &usage);

  EXPECT_EQ(usage.read_bytes, 4100);
  EXPECT_EQ(usage.written_bytes, 3);
}

TEST(ParseIoServiceBytesTest, AddsTheDevicesButNotTheTotals) {
  Usage usage;

  ParseIoServiceBytes("8:0 Read 10\n8:0 Write 5\n8:0 Total 15\n9:0 Read 1\nTotal 16\n", &usage);

  EXPECT_EQ(usage.read_bytes, 11);
  EXPECT_EQ(usage.written_bytes, 5);
}

}  // namespace
}  // namespace stave::cgroup
