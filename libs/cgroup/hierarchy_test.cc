// SPDX-License-Identifier: Apache-2.0
#include "libs/cgroup/hierarchy.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace stave::cgroup {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Points(const Hierarchies& hierarchies) {
  std::vector<std::string> points;
  for (const Hierarchy& h : hierarchies.all) points.push_back(h.mount_point);
  return points;
}

constexpr char kRoot[] = "23 1 254:0 / / rw,relatime - ext4 /dev/root rw\n";
constexpr char kHybrid[] =
    "23 1 254:0 / / rw,relatime - ext4 /dev/root rw\n"
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup "
    "rw,xattr,release_agent=/lib/systemd/systemd-cgroups-agent,name=systemd\n";

TEST(ParseMountinfoTest, HybridHasV1FirstAndUnifiedLast) {
  const Hierarchies found = ParseMountinfo(kHybrid);

  EXPECT_THAT(Points(found), ElementsAre("/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/blkio",
                                         "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"));
  EXPECT_THAT(found.all[0].controllers, ElementsAre("cpu", "cpuacct"));
  EXPECT_THAT(found.all[2].controllers, ElementsAre("name=systemd"));
  ASSERT_NE(found.Unified(), nullptr);
  EXPECT_TRUE(found.HasV1());
}

TEST(ParseMountinfoTest, FindsControllersUnderEitherNameOfBlkio) {
  const Hierarchies found = ParseMountinfo(kHybrid);

  EXPECT_EQ(found.Find("cpuacct"), &found.all[0]);
  EXPECT_EQ(found.Find("io"), &found.all[1]);
  EXPECT_EQ(found.Find("memory"), nullptr);
}

TEST(ParseMountinfoTest, PureV2) {
  const Hierarchies found = ParseMountinfo(absl::StrCat(
      kRoot, "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"));

  EXPECT_THAT(Points(found), ElementsAre("/sys/fs/cgroup"));
  EXPECT_FALSE(found.HasV1());
}

TEST(ParseMountinfoTest, MountsUnderACoverAreNotSeen) {
  const Hierarchies found = ParseMountinfo(
      absl::StrCat(kHybrid, "50 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"));

  EXPECT_THAT(Points(found), ElementsAre("/sys/fs/cgroup"));
}

TEST(ParseMountinfoTest, AMountOnTheSamePlaceCoversTheOneBelow) {
  const Hierarchies found =
      ParseMountinfo(absl::StrCat(kRoot, "30 23 0:26 / /c rw - cgroup cgroup rw,memory\n",
                                  "31 30 0:27 / /c rw - cgroup cgroup rw,pids\n"));

  ASSERT_EQ(found.all.size(), 1);
  EXPECT_THAT(found.all[0].controllers, ElementsAre("pids"));
}

TEST(ParseMountinfoTest, PrefersTheMountThatShowsTheRoot) {
  const Hierarchies found =
      ParseMountinfo(absl::StrCat(kRoot, "30 23 0:26 /docker/x /a rw - cgroup cgroup rw,memory\n",
                                  "31 23 0:26 / /b rw - cgroup cgroup rw,memory\n"));

  EXPECT_THAT(Points(found), ElementsAre("/b"));
}

TEST(ParseMountinfoTest, WorksInAChrootWhoseRootIsNoMount) {
  const Hierarchies found = ParseMountinfo("30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");

  EXPECT_THAT(Points(found), ElementsAre("/sys/fs/cgroup"));
}

TEST(ParseMountinfoTest, ReadsOctalEscapes) {
  const Hierarchies found =
      ParseMountinfo(absl::StrCat(kRoot, "30 23 0:26 / /a\\040b rw - cgroup2 cgroup2 rw\n"));

  EXPECT_THAT(Points(found), ElementsAre("/a b"));
}

TEST(ParseMountinfoTest, PassesOverWhatIsNoMountLine) {
  EXPECT_THAT(Points(ParseMountinfo("")), IsEmpty());
  EXPECT_THAT(Points(ParseMountinfo("\n - \n1 2 3\n - cgroup2 cgroup2 rw\n")), IsEmpty());
  EXPECT_THAT(Points(ParseMountinfo("1 2 0:1 / x rw - cgroup2 c rw\n")), IsEmpty());
  EXPECT_THAT(Points(ParseMountinfo("1 1 0:1 / /x rw - cgroup2 c rw\n1 1 0:1 / / rw - t t t\n")),
              ElementsAre("/x"));
}

}  // namespace
}  // namespace stave::cgroup
