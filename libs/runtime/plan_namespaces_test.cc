// SPDX-License-Identifier: Apache-2.0
//
// plan.h: namespaces, and what needs one.
#include <sched.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/runtime/plan.h"
#include "libs/runtime/plan_test_config.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace stave::runtime {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// The default config with `namespaces` besides one of mounts, and without sysctls.
json::Value In(const std::string& namespaces) {
  return With("/linux/namespaces", "[{\"type\":\"mount\"}" + namespaces + "]",
              With("/linux/sysctl", "{}"));
}

constexpr char kMap[] = R"([{"containerID":0,"hostID":100000,"size":65536}])";

TEST(NamespacesTest, AllEightAreMadeOrJoined) {
  const struct {
    const char* type;
    int flag;
  } kinds[] = {{"pid", CLONE_NEWPID},   {"network", CLONE_NEWNET}, {"ipc", CLONE_NEWIPC},
               {"uts", CLONE_NEWUTS},   {"user", CLONE_NEWUSER},   {"cgroup", CLONE_NEWCGROUP},
               {"time", CLONE_NEWTIME}, {"mount", CLONE_NEWNS}};
  for (const auto& [type, flag] : kinds) {
    const std::string other = flag == CLONE_NEWNS ? "" : R"({"type":"mount"},)";
    const std::string joined =
        absl::StrCat("[", other, "{\"type\":\"", type, "\",\"path\":\"/p\"}]");
    auto plan = MakePlan(With("/linux/namespaces", joined, In("")));
    ASSERT_TRUE(plan.ok()) << plan.status();
    EXPECT_TRUE(plan->Joins(flag) && plan->Has(flag) && !plan->Creates(flag)) << type;
    if (flag == CLONE_NEWUSER) continue;  // wants mappings
    const std::string made = absl::StrCat("[", other, "{\"type\":\"", type, "\",\"path\":\"\"}]");
    plan = MakePlan(With("/linux/namespaces", made, In("")));
    ASSERT_TRUE(plan.ok()) << plan.status();
    EXPECT_TRUE(plan->Creates(flag) && plan->Has(flag) && !plan->Joins(flag)) << type;
  }
}

TEST(NamespacesTest, EachComesOnce) {
  EXPECT_EQ(Error(In(R"(,{"type":"mount"})")),
            "/linux/namespaces/1/type: appears twice [E_DOCUMENT]");
  EXPECT_EQ(Error(In(R"(,{"type":"mnt"})")),
            "/linux/namespaces/1/type: \"mnt\" is no namespace [E_DOCUMENT]");
  EXPECT_EQ(Error(In(R"(,{"type":"pid","path":"proc/1/ns/pid"})")),
            "/linux/namespaces/1/path: is not an absolute path [E_DOCUMENT]");
  EXPECT_EQ(Error("/linux/namespaces", R"([{"type":"pid"}])"), "accepted");
}

TEST(NamespacesTest, UserNamespacesHaveMappings) {
  const json::Value made = In(R"(,{"type":"user"})");
  EXPECT_EQ(Error(made),
            "/linux/uidMappings: a user namespace needs uidMappings and gidMappings [E_DOCUMENT]");
  EXPECT_EQ(Error(With("/linux/uidMappings", kMap, made)),
            "/linux/uidMappings: come with gidMappings or not at all [E_DOCUMENT]");
  const auto plan =
      MakePlan(With("/linux/gidMappings", kMap, With("/linux/uidMappings", kMap, made)));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->uid_mappings[0].host_id, 100000u);
  EXPECT_EQ(plan->gid_mappings[0].size, 65536u);
  EXPECT_EQ(Error(With("/linux/gidMappings", kMap, In(""))),
            "/linux/uidMappings: are there without a user namespace [E_DOCUMENT]");
}

TEST(NamespacesTest, AJoinedUserNamespaceMayHaveThem) {
  const json::Value joined = In(R"(,{"type":"user","path":"/p"})");
  EXPECT_EQ(Error(joined), "accepted");
  EXPECT_EQ(Error(With("/linux/gidMappings", kMap, With("/linux/uidMappings", kMap, joined))),
            "accepted");
  EXPECT_EQ(Error(With("/linux/gidMappings", kMap, joined)),
            "/linux/uidMappings: come with gidMappings or not at all [E_DOCUMENT]");
}

TEST(NamespacesTest, MappingsAreThoseThatTheKernelTakes) {
  const auto error = [](const std::string& map) {
    return Error(With("/linux/gidMappings", kMap,
                      With("/linux/uidMappings", map, In(R"(,{"type":"user"})"))));
  };
  EXPECT_EQ(error(R"([{"containerID":0,"hostID":0,"size":4294967295}])"), "accepted");
  EXPECT_EQ(error(R"([{"containerID":0,"hostID":0,"size":0}])"),
            "/linux/uidMappings/0/size: 0 is not within 1..4294967295 [E_DOCUMENT]");
  EXPECT_EQ(error(R"([{"containerID":0,"hostID":1,"size":4294967295}])"),
            "/linux/uidMappings/0: passes 2^32 [E_DOCUMENT]");
  EXPECT_EQ(error(R"([{"containerID":-1,"hostID":1,"size":1}])"),
            "/linux/uidMappings/0/containerID: -1 is not within 0..4294967294 [E_DOCUMENT]");
  EXPECT_EQ(
      error(R"([{"containerID":0,"hostID":1,"size":2},{"containerID":2,"hostID":3,"size":2}])"),
      "accepted");
  EXPECT_EQ(
      error(R"([{"containerID":0,"hostID":1,"size":2},{"containerID":1,"hostID":9,"size":2}])"),
      "/linux/uidMappings/1: overlaps with one before it [E_DOCUMENT]");
  EXPECT_EQ(
      error(R"([{"containerID":0,"hostID":1,"size":2},{"containerID":7,"hostID":2,"size":2}])"),
      "/linux/uidMappings/1: overlaps with one before it [E_DOCUMENT]");
  std::string many = R"([{"containerID":0,"hostID":0,"size":1})";
  for (int i = 1; i <= 340; ++i) {
    absl::StrAppend(&many, ",{\"containerID\":", i, ",\"hostID\":", i, ",\"size\":1}");
  }
  EXPECT_EQ(error(many + "]"),
            "/linux/uidMappings: has more than 340 lines, the kernel's limit [E_DOCUMENT]");
}

TEST(TimeOffsetsTest, NeedANewTimeNamespace) {
  constexpr char kOffsets[] = R"({"monotonic":{"secs":-5},"boottime":{"secs":7,"nanosecs":9}})";
  const auto plan = MakePlan(With("/linux/timeOffsets", kOffsets, In(R"(,{"type":"time"})")));
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_THAT(plan->time_offsets, SizeIs(2));
  EXPECT_EQ(plan->time_offsets[0].clock, "monotonic");
  EXPECT_EQ(plan->time_offsets[0].seconds, -5);
  EXPECT_EQ(plan->time_offsets[1].nanoseconds, 9u);

  const std::string error = "/linux/timeOffsets: need a new time namespace [E_DOCUMENT]";
  EXPECT_EQ(Error(With("/linux/timeOffsets", kOffsets, In(""))), error);
  EXPECT_EQ(Error(With("/linux/timeOffsets", kOffsets, In(R"(,{"type":"time","path":"/p"})"))),
            error);
  EXPECT_EQ(Error(With("/linux/timeOffsets", "{}", In(""))), "accepted");
}

TEST(TimeOffsetsTest, AreOfTwoClocksAndInRange) {
  const auto error = [](const char* offsets) {
    return Error(With("/linux/timeOffsets", offsets, In(R"(,{"type":"time"})")));
  };
  EXPECT_EQ(error(R"({"realtime":{"secs":1}})"),
            "/linux/timeOffsets/realtime: is neither monotonic nor boottime [E_DOCUMENT]");
  EXPECT_EQ(error(R"({"boottime":1})"),
            "/linux/timeOffsets/boottime: an object is wanted, not number [E_DOCUMENT]");
  EXPECT_EQ(error(R"({"boottime":{"nanosecs":1000000000}})"),
            "/linux/timeOffsets/boottime/nanosecs: 1000000000 is not within 0..999999999 "
            "[E_DOCUMENT]");
  EXPECT_EQ(error(R"({"boottime":{"secs":9223372037}})"),
            "/linux/timeOffsets/boottime/secs: 9223372037 is not within -9223372036..9223372036 "
            "[E_DOCUMENT]");
  EXPECT_EQ(error(R"({"boottime":{"secs":9223372036854775807}})"),
            "/linux/timeOffsets/boottime/secs: 9223372036854775807 is not within "
            "-9223372036..9223372036 [E_DOCUMENT]");
}

TEST(SysctlsTest, BelongToANamespace) {
  const auto plan = MakePlan(With("/linux/sysctl", R"({"net.ipv4.conf.eth0/5.forwarding":"1"})"));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->sysctls[0].first, "net/ipv4/conf/eth0.5/forwarding");

  EXPECT_EQ(Error("/linux/sysctl", R"({"kernel.core_pattern":"|x"})"),
            "/linux/sysctl/kernel.core_pattern: belongs to the host, not to a namespace "
            "[E_DOCUMENT]");
  for (const char* bad : {"kernel.shm_rmid_forced=1+kernel.core_pattern",
                          "net/../kernel/core_pattern", "net.ipv4.", "net\\n.x"}) {
    EXPECT_THAT(Error("/linux/sysctl", absl::StrCat("{\"", bad, "\":\"x\"}")),
                HasSubstr(": is no name of a sysctl [E_DOCUMENT]"));
  }
  EXPECT_EQ(Error("/linux/sysctl", R"({"net.a":1})"),
            "/linux/sysctl/net.a: a string is wanted, not number [E_DOCUMENT]");
}

TEST(SysctlsTest, OfTheHostsNamespacesAreRefused) {
  const struct {
    const char *sysctl, *type;
  } cases[] = {{"net.ipv4.ip_forward", "network"},
               {"kernel.shmmax", "ipc"},
               {"fs.mqueue.queues_max", "ipc"},
               {"kernel.domainname", "uts"},
               {"user.max_net_namespaces", "user"}};
  for (const auto& [sysctl, type] : cases) {
    const std::string one = absl::StrCat("{\"", sysctl, "\":\"1\"}");
    EXPECT_EQ(Error(With("/linux/sysctl", one, In(""))),
              absl::StrCat("/linux/sysctl/", sysctl,
                           ": needs a namespace, and the host's is shared [E_DOCUMENT]"));
    const std::string joined = absl::StrCat(",{\"type\":\"", type, "\",\"path\":\"/p\"}");
    EXPECT_EQ(Error(With("/linux/sysctl", one, In(joined))), "accepted") << sysctl;
  }
}

}  // namespace
}  // namespace stave::runtime
