// SPDX-License-Identifier: Apache-2.0
#include "libs/cgroup/plan.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/cgroup/hierarchy.h"
#include "libs/cgroup/plan_test_hierarchies.h"
#include "libs/json/parse.h"

namespace stave::cgroup {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Hierarchies Hybrid() {
  Hierarchies all = V1();
  all.all.push_back({Version::kV2, {"hugetlb"}, "/sys/fs/cgroup/unified"});
  return all;
}

absl::StatusOr<Limits> Plan(absl::string_view text, const Hierarchies& hierarchies) {
  const json::Value resources = *json::Parse(text);
  return PlanLimits(&resources, hierarchies);
}

std::vector<std::string> Lines(absl::string_view text, const Hierarchies& hierarchies) {
  std::vector<std::string> lines;
  const absl::StatusOr<Limits> limits = Plan(text, hierarchies);
  if (!limits.ok()) return {std::string(limits.status().message())};
  for (const Setting& s : limits->settings) {
    lines.push_back(absl::StrCat(s.file, " ", s.value, s.other_file.empty() ? "" : " or ",
                                 s.other_file, s.other_file.empty() ? "" : " ", s.other_value));
  }
  return lines;
}

void ExpectRefused(absl::string_view text, const Hierarchies& hierarchies, const char* word,
                   const char* message) {
  const absl::StatusOr<Limits> limits = Plan(text, hierarchies);
  ASSERT_FALSE(limits.ok()) << text;
  EXPECT_EQ(base::ErrorWord(limits.status()), word) << limits.status();
  EXPECT_THAT(std::string(limits.status().message()), HasSubstr(message));
}

TEST(PlanLimitsTest, AsksForNothingIfNothingIsThere) {
  EXPECT_TRUE(PlanLimits(nullptr, Hybrid())->settings.empty());
  EXPECT_THAT(Lines("null", V2()), IsEmpty());
  EXPECT_THAT(Lines(R"({"memory":{},"cpu":{"cpus":""},"unknown":5})", V1()), IsEmpty());
}

TEST(PlanLimitsTest, MemoryOnEitherVersion) {
  constexpr char kText[] = R"({"memory":{"swap":300,"reservation":50,"limit":100}})";

  EXPECT_THAT(Lines(kText, V1()),
              ElementsAre("memory.limit_in_bytes 100", "memory.memsw.limit_in_bytes 300",
                          "memory.soft_limit_in_bytes 50"));
  EXPECT_THAT(Lines(kText, V2()),
              ElementsAre("memory.max 100", "memory.swap.max 200", "memory.low 50"));
}

TEST(PlanLimitsTest, MinusOneIsMaxAndSoAreTheSpellingsOfJq) {
  constexpr char kText[] = R"({"memory":{"limit":-1,"swap":18446744073709552000},
                               "pids":{"limit":-1}})";

  EXPECT_THAT(Lines(kText, V1()), ElementsAre("memory.limit_in_bytes -1",
                                              "memory.memsw.limit_in_bytes -1", "pids.max max"));
  EXPECT_THAT(Lines(kText, V2()),
              ElementsAre("memory.max max", "memory.swap.max max", "pids.max max"));
}

TEST(PlanLimitsTest, SwapNeedsALimitThatIsNotAboveIt) {
  ExpectRefused(R"({"memory":{"swap":5}})", V2(), "E_DOCUMENT", "/memory/swap: a limit of memory");
  ExpectRefused(R"({"memory":{"swap":5,"limit":6}})", V1(), "E_DOCUMENT",
                "/memory/swap: 5 is below memory.limit, 6");
}

TEST(PlanLimitsTest, ZeroPidsIsALimit) {  // config-linux.md "PIDs"
  EXPECT_THAT(Lines(R"({"pids":{"limit":0}})", V1()), ElementsAre("pids.max 0"));
  EXPECT_THAT(Lines(R"({"pids":{"limit":0}})", V2()), ElementsAre("pids.max 1"));
}

TEST(PlanLimitsTest, CpuOnEitherVersion) {
  constexpr char kText[] = R"({"cpu":{"idle":1,"shares":1024,"quota":150000,"period":100000,
                               "burst":7,"cpus":"0-1,3","mems":"0"}})";

  EXPECT_THAT(Lines(kText, V1()), ElementsAre("cpu.shares 1024", "cpu.cfs_period_us 100000",
                                              "cpu.cfs_quota_us 150000", "cpu.cfs_burst_us 7",
                                              "cpu.idle 1", "cpuset.cpus 0-1,3", "cpuset.mems 0"));
  EXPECT_THAT(Lines(kText, V2()),
              ElementsAre("cpu.weight 100", "cpu.max 150000 100000", "cpu.max.burst 7",
                          "cpu.idle 1", "cpuset.cpus 0-1,3", "cpuset.mems 0"));
}

TEST(PlanLimitsTest, NegativeQuotaIsNone) {
  EXPECT_THAT(Lines(R"({"cpu":{"quota":-5}})", V1()), ElementsAre("cpu.cfs_quota_us -1"));
  EXPECT_THAT(Lines(R"({"cpu":{"quota":-1}})", V2()), ElementsAre("cpu.max max"));
  EXPECT_THAT(Lines(R"({"cpu":{"period":5000}})", V2()), ElementsAre("cpu.max max 5000"));
}

TEST(PlanLimitsTest, WhatV2LacksIsRefusedByName) {
  for (const char* text :
       {R"({"memory":{"swappiness":5}})", R"({"memory":{"disableOOMKiller":true}})",
        R"({"cpu":{"realtimeRuntime":5}})", R"({"cpu":{"realtimePeriod":5}})"}) {
    ExpectRefused(text, V2(), "E_UNSUPPORTED", "cgroup v2");
  }
  EXPECT_THAT(Lines(R"({"memory":{"disableOOMKiller":false}})", V2()), IsEmpty());
  EXPECT_THAT(Lines(R"({"memory":{"disableOOMKiller":true,"swappiness":0}})", V1()),
              ElementsAre("memory.swappiness 0", "memory.oom_control 1"));
}

TEST(PlanLimitsTest, KernelMemoryIsAWarning) {
  for (const Hierarchies& hierarchies : {V1(), V2()}) {
    const auto limits =
        Plan(R"({"memory":{"kernel":5,"kernelTCP":6,"useHierarchy":true}})", hierarchies);
    ASSERT_TRUE(limits.ok()) << limits.status();
    EXPECT_THAT(limits->settings, IsEmpty());
    EXPECT_THAT(limits->warnings, ElementsAre(HasSubstr("/linux/resources/memory/kernel: ignored"),
                                              HasSubstr("/memory/kernelTCP: ignored")));
    EXPECT_THAT(Plan(R"({"memory":{"kernel":0,"kernelTCP":-1}})", hierarchies)->warnings,
                IsEmpty());
  }
}

TEST(PlanLimitsTest, ZerosOfEnginesAskForNothing) {
  constexpr char kText[] = R"({"memory":{"limit":0,"swap":0,"reservation":0,
        "swappiness":18446744073709551615,"disableOOMKiller":false},
      "cpu":{"shares":0,"quota":0,"period":0,"realtimeRuntime":0,"realtimePeriod":0,"cpus":""},
      "blockIO":{"weight":0,"leafWeight":0,
        "weightDevice":[{"major":8,"minor":0,"weight":0,"leafWeight":0}]}})";

  EXPECT_THAT(Lines(kText, V1()), IsEmpty());
  EXPECT_THAT(Lines(kText, V2()), IsEmpty());
}

TEST(PlanLimitsTest, ZerosThatAreValues) {
  constexpr char kText[] = R"({"cpu":{"burst":0,"idle":0},"blockIO":{"throttleReadBpsDevice":
      [{"major":8,"minor":0,"rate":0}]},"hugepageLimits":[{"pageSize":"2MB","limit":0}]})";

  EXPECT_THAT(Lines(kText, V2()),
              ElementsAre("cpu.idle 0", "cpu.max.burst 0", "io.max 8:0 rbps=max",
                          "hugetlb.2MB.max 0", "hugetlb.2MB.rsvd.max 0"));
}

TEST(PlanLimitsTest, BlockIoOnEitherVersion) {
  constexpr char kText[] = R"({"blockIO":{"weight":100,
      "weightDevice":[{"major":8,"minor":0,"weight":1000}],
      "throttleReadBpsDevice":[{"major":8,"minor":0,"rate":600}],
      "throttleWriteIOPSDevice":[{"major":8,"minor":16,"rate":0}]}})";

  EXPECT_THAT(Lines(kText, V1()),
              ElementsAre("blkio.weight 100 or blkio.bfq.weight 100",
                          "blkio.weight_device 8:0 1000 or blkio.bfq.weight_device 8:0 1000",
                          "blkio.throttle.read_bps_device 8:0 600",
                          "blkio.throttle.write_iops_device 8:16 0"));
  EXPECT_THAT(Lines(kText, V2()), ElementsAre("io.bfq.weight 100 or io.weight default 910",
                                              "io.bfq.weight 8:0 1000 or io.weight 8:0 10000",
                                              "io.max 8:0 rbps=600", "io.max 8:16 wiops=max"));
}

TEST(PlanLimitsTest, HybridUsesTheSideThatHasTheController) {
  EXPECT_THAT(
      Lines(R"({"memory":{"limit":9},"hugepageLimits":[{"pageSize":"2MB","limit":4}]})", Hybrid()),
      ElementsAre("memory.limit_in_bytes 9", "hugetlb.2MB.max 4", "hugetlb.2MB.rsvd.max 4"));
  EXPECT_THAT(Lines(R"({"unified":{"hugetlb.2MB.max":"4"}})", Hybrid()),
              ElementsAre("hugetlb.2MB.max 4"));
}

TEST(PlanLimitsTest, AMissingControllerIsNamedWithThePlace) {
  ExpectRefused(R"({"hugepageLimits":[{"pageSize":"2MB","limit":4}]})", V1(), "E_CGROUP",
                "/hugepageLimits/0: the cgroup controller hugetlb is not mounted");
  ExpectRefused(R"({"network":{"classID":4}})", V2(), "E_CGROUP",
                "the cgroup controller net_cls is missing in /sys/fs/cgroup/cgroup.controllers");
  ExpectRefused(R"({"rdma":{"mlx5_1":{"hcaHandles":4}}})", Hybrid(), "E_CGROUP",
                "missing in /sys/fs/cgroup/unified/cgroup.controllers and not mounted as v1");
}

TEST(PlanLimitsTest, RdmaAndUnified) {
  EXPECT_THAT(Lines(R"({"rdma":{"mlx5_1":{"hcaHandles":4,"hcaObjects":5},"x":{}},
                        "unified":{"memory.high":"5","cgroup.max.depth":"3","io.max":"8:0 rbps=1\n8:1 rbps=2\n"}})",
                    V2()),
              ElementsAre("rdma.max mlx5_1 hca_handle=4 hca_object=5", "memory.high 5",
                          "cgroup.max.depth 3", "io.max 8:0 rbps=1", "io.max 8:1 rbps=2"));
}

TEST(PlanLimitsTest, UnifiedRefusesWhatIsNoLimitOfThisTree) {
  ExpectRefused(R"({"unified":{"../memory.max":"5"}})", V2(), "E_DOCUMENT", "name of an interface");
  ExpectRefused(R"({"unified":{"memory":"5"}})", V2(), "E_DOCUMENT", "name of an interface");
  ExpectRefused(R"({"unified":{"memory.max":5}})", V2(), "E_DOCUMENT", "must be a string");
  ExpectRefused(R"({"unified":{"cgroup.procs":"1"}})", V2(), "E_DOCUMENT", "is not a limit");
  ExpectRefused(R"({"unified":{"memory.high":"5"}})", Hybrid(), "E_UNSUPPORTED", "as cgroup v1");
  ExpectRefused(R"({"unified":{"foo.max":"5"}})", V2(), "E_CGROUP", "controller foo is missing");
}

TEST(PlanLimitsTest, DevicesAreWritesOrAProgram) {
  constexpr char kText[] =
      R"({"devices":[{"allow":false},{"allow":true,"type":"c","major":1,"minor":3}]})";

  EXPECT_THAT(Lines(kText, Hybrid()), ElementsAre("devices.deny a", "devices.allow c 1:3 rwm"));
  const auto limits = Plan(kText, V2());
  ASSERT_TRUE(limits->device_program.has_value());
  EXPECT_EQ(limits->device_program->size(), 2);
  EXPECT_FALSE(Plan("{}", V2())->device_program.has_value());
}

TEST(PlanLimitsTest, WrongTypesAndValuesHaveThePointer) {
  const struct {
    const char* text;
    const char* want;
  } cases[] = {
      {"[]", "/linux/resources: must be an object"},
      {R"({"memory":5})", "/memory: is of type number, must be an object"},
      {R"({"memory":{"limit":"5"}})", "/memory/limit: is of type string, must be a number"},
      {R"({"memory":{"limit":-2}})", "/memory/limit: -2 is below -1"},
      {R"({"memory":{"limit":1.5}})", "/memory/limit: 1.5 is not an integer"},
      {R"({"pids":{"limit":-2}})", "/pids/limit: -2 is below -1"},
      {R"({"cpu":{"cpus":"3-1"}})", "/cpu/cpus: \"3-1\": is not a list"},
      {R"({"memory":{"disableOOMKiller":1}})", "/disableOOMKiller: must be true or false"},
      {R"({"blockIO":{"weightDevice":[{"major":8,"minor":0,"weight":9}]}})", "9 is below 10"},
      {R"({"cpu":{"idle":2}})", "/cpu/idle: 2 is above 1"},
      {R"({"blockIO":{"weight":9}})", "/blockIO/weight: 9 is below 10"},
      {R"({"blockIO":{"throttleReadBpsDevice":[{"major":8}]}})", "must have major, minor and rate"},
      {R"({"blockIO":{"throttleReadBpsDevice":{}}})", "must be an array"},
      {R"({"hugepageLimits":[{"pageSize":"../x","limit":1}]})", "/hugepageLimits/0: pageSize"},
      {R"({"hugepageLimits":[5]})", "/hugepageLimits/0: must have"},
      {R"({"rdma":{"a b":{"hcaHandles":1}}})", "/rdma: names"},
  };
  for (const auto& c : cases) ExpectRefused(c.text, V2(), "E_DOCUMENT", c.want);
}

TEST(WeightFromSharesTest, FixedPoints) {
  EXPECT_EQ(WeightFromShares(0), 1);
  EXPECT_EQ(WeightFromShares(2), 1);
  EXPECT_EQ(WeightFromShares(1024), 100);
  EXPECT_EQ(WeightFromShares(262144), 10000);
  EXPECT_EQ(WeightFromShares(UINT64_MAX), 10000);
  uint64_t last = 0;
  for (uint64_t shares = 2; shares <= 262144; ++shares) {
    const uint64_t weight = WeightFromShares(shares);
    ASSERT_GE(weight, last);
    ASSERT_LE(weight, 10000);
    last = weight;
  }
}

TEST(CheckCpuListTest, Forms) {
  EXPECT_TRUE(CheckCpuList("0", 1).ok());
  EXPECT_TRUE(CheckCpuList("0-1", 1).ok());
  EXPECT_TRUE(CheckCpuList("0,3-5,7", -1).ok());
  for (const char* bad :
       {"", "0-", "-1", "3-1", "0,", "a", "0 ", "0--1", "1-2-3", "0\n", "4294967296"}) {
    EXPECT_FALSE(CheckCpuList(bad, -1).ok()) << bad;
  }
  EXPECT_THAT(std::string(CheckCpuList("0-99", 1).message()),
              HasSubstr("\"0-99\": 99 is not there; this machine has 0-1"));
}

}  // namespace
}  // namespace stave::cgroup
