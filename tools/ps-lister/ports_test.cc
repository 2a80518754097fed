// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-lister/ports.h"

#include "gtest/gtest.h"

namespace stave::tools {
namespace {

TEST(ParsePortsTest, TakesWhatDockerTakes) {
  EXPECT_EQ(ParsePorts("80")->first, 80);
  EXPECT_EQ(ParsePorts("80")->protocol, "tcp");
  EXPECT_EQ(ParsePorts("53/UDP")->protocol, "udp");
  const auto range = ParsePorts("8000-8010/sctp");
  ASSERT_TRUE(range.ok());
  EXPECT_EQ(range->first, 8000);
  EXPECT_EQ(range->last, 8010);
  for (const char* wrong :
       {"", "x", "80-", "-80", "90-80", "65536", "80/icmp", "80 ", "8080:80", "1-2-3"}) {
    EXPECT_FALSE(ParsePorts(wrong).ok()) << wrong;
  }
}

TEST(PortsTextTest, FoldsWhatIsConsecutive) {
  EXPECT_EQ(PortsText(PortsOf({})), "");
  EXPECT_EQ(PortsText(PortsOf({"3306/tcp", "33060/tcp"})), "3306/tcp, 33060/tcp");
  EXPECT_EQ(PortsText(PortsOf({"82/tcp", "80/tcp", "81/tcp"})), "80-82/tcp");
  EXPECT_EQ(PortsText(PortsOf({"8000-8010/udp", "8005-8020/udp"})), "8000-8020/udp");
  EXPECT_EQ(PortsText(PortsOf({"80/tcp", "443/tcp", "53/udp", "nonsense"})),
            "80/tcp, 53/udp, 443/tcp");
}

TEST(MeetTest, ByProtocolAndNumber) {
  EXPECT_TRUE(Meet(*ParsePorts("80"), *ParsePorts("70-90/tcp")));
  EXPECT_FALSE(Meet(*ParsePorts("80"), *ParsePorts("70-90/udp")));
  EXPECT_FALSE(Meet(*ParsePorts("80"), *ParsePorts("81")));
}

}  // namespace
}  // namespace stave::tools
