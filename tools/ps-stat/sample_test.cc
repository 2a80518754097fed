// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-stat/sample.h"

#include "gtest/gtest.h"

namespace stave::tools {
namespace {

constexpr char kNetDev[] =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop "
    "fifo colls carrier compressed\n"
    "    lo:    5000      50    0    0    0     0          0         0     5000      50    0    0  "
    "  "
    "0     0       0          0\n"
    "  eth0: 1000000     700    0    0    0     0          0         0    20000     300    0    0  "
    "  "
    "0     0       0          0\n"
    "wlan0:24 1 0 0 0 0 0 0 42 1 0 0 0 0 0 0\n";

TEST(NetDevTest, SumsAllButTheLoopback) {
  const NetworkBytes bytes = ParseNetDev(kNetDev);
  EXPECT_EQ(bytes.received, 1000024);
  EXPECT_EQ(bytes.sent, 20042);
}

TEST(NetDevTest, SurvivesDamage) {
  const std::string text = kNetDev;
  for (size_t size = 0; size < text.size(); ++size) (void)ParseNetDev(text.substr(0, size));
  EXPECT_EQ(ParseNetDev("eth0: x 1 0 0 0 0 0 0 42 1 0 0 0 0 0 0").sent, 0);
  EXPECT_EQ(ParseNetDev("").received, 0);
}

TEST(MemTotalTest, IsInBytes) {
  EXPECT_EQ(ParseMemTotal("MemTotal:        8000000 kB\nMemFree: 1 kB\n"), int64_t{8000000} * 1024);
  EXPECT_EQ(ParseMemTotal("MemFree: 1 kB\n"), 0);
  EXPECT_EQ(ParseMemTotal("MemTotal: x kB\n"), 0);
}

}  // namespace
}  // namespace stave::tools
