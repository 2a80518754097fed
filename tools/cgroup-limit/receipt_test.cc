// SPDX-License-Identifier: Apache-2.0
#include "tools/cgroup-limit/receipt.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace stave::cgroup_limit {
namespace {

Outcome Example() {
  Outcome outcome;
  outcome.code = 3;
  outcome.wall = absl::Milliseconds(1500);
  outcome.usage.cpu_user = absl::Microseconds(1250);
  outcome.usage.cpu_system = absl::Nanoseconds(999);
  outcome.usage.memory_peak = 67108864;
  outcome.usage.oom_kills = 0;
  return outcome;
}

TEST(ReceiptTableTest, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(ReceiptTable(Example()),
            "wall time     1.500 s\n"
            "cpu time      0.001 s user, 0.000 s system\n"
            "memory peak   64MiB\n"
            "oom kills     0\n");
}

TEST(ReceiptJsonTest, OneObjectALine) {
  EXPECT_EQ(ReceiptJson(Example()),
            "{\"exitCode\":3,\"wallMicroseconds\":1500000,\"cpuUserMicroseconds\":1250,"
            "\"cpuSystemMicroseconds\":0,\"memoryPeak\":67108864,\"oomKills\":0}\n");
}

}  // namespace
}  // namespace stave::cgroup_limit
