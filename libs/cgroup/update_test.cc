// SPDX-License-Identifier: Apache-2.0
#include "libs/cgroup/update.h"

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
#include "libs/cgroup/plan.h"
#include "libs/cgroup/plan_test_hierarchies.h"
#include "libs/json/parse.h"

namespace stave::cgroup {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

absl::StatusOr<Limits> Plan(absl::string_view text, const CurrentLimits& current,
                            const Hierarchies& hierarchies) {
  const json::Value resources = *json::Parse(text);
  return PlanUpdate(&resources, current, hierarchies);
}

std::vector<std::string> Lines(absl::string_view text, const CurrentLimits& current,
                               const Hierarchies& hierarchies) {
  std::vector<std::string> lines;
  const absl::StatusOr<Limits> limits = Plan(text, current, hierarchies);
  if (!limits.ok()) return {std::string(limits.status().message())};
  for (const Setting& s : limits->settings) lines.push_back(absl::StrCat(s.file, " ", s.value));
  return lines;
}

void ExpectRefused(absl::string_view text, const CurrentLimits& current,
                   const Hierarchies& hierarchies, const char* word, const char* message) {
  const absl::StatusOr<Limits> limits = Plan(text, current, hierarchies);
  ASSERT_FALSE(limits.ok()) << text;
  EXPECT_EQ(base::ErrorWord(limits.status()), word) << limits.status();
  EXPECT_THAT(std::string(limits.status().message()), HasSubstr(message));
}

// 100 bytes of memory; of swap what `swap` says.
CurrentLimits Memory(int64_t swap) {
  CurrentLimits current;
  current.memory = 100;
  current.swap = swap;
  return current;
}

CurrentLimits Cpu(int64_t quota, int64_t period) {
  CurrentLimits current;
  current.cpu_quota = quota;
  current.cpu_period = period;
  return current;
}

TEST(PlanUpdateTest, ZerosAndWhatIsAbsentStay) {
  // As dockerd 20.10 sends it for `docker update --restart no`.
  constexpr char kText[] = R"({"memory":{"limit":0,"reservation":0,"kernel":0,"swap":null},
      "cpu":{"shares":0,"quota":0,"period":0,"cpus":"","mems":""},
      "pids":{"limit":0},"blockIO":{"weight":0}})";

  EXPECT_THAT(Lines(kText, Memory(200), V1()), IsEmpty());
  EXPECT_THAT(Lines(kText, Memory(200), V2()), IsEmpty());
  EXPECT_THAT(Lines("{}", Memory(200), V1()), IsEmpty());
  EXPECT_THAT(Lines(R"({"pids":{"limit":-1}})", {}, V2()), ElementsAre("pids.max max"));
}

TEST(PlanUpdateTest, V1WritesTheGrowingOneFirst) {
  EXPECT_THAT(Lines(R"({"memory":{"limit":300,"swap":400}})", Memory(200), V1()),
              ElementsAre("memory.memsw.limit_in_bytes 400", "memory.limit_in_bytes 300"));
  EXPECT_THAT(Lines(R"({"memory":{"limit":50,"swap":60}})", Memory(200), V1()),
              ElementsAre("memory.limit_in_bytes 50", "memory.memsw.limit_in_bytes 60"));
  EXPECT_THAT(Lines(R"({"memory":{"limit":300,"swap":-1}})", Memory(200), V1()),
              ElementsAre("memory.memsw.limit_in_bytes -1", "memory.limit_in_bytes 300"));
}

TEST(PlanUpdateTest, NoLimitOfMemoryIsNoneOfSwap) {
  EXPECT_THAT(Lines(R"({"memory":{"limit":-1}})", Memory(200), V1()),
              ElementsAre("memory.memsw.limit_in_bytes -1", "memory.limit_in_bytes -1"));
  EXPECT_THAT(Lines(R"({"memory":{"limit":-1}})", Memory(50), V2()),
              ElementsAre("memory.max max", "memory.swap.max max"));
  CurrentLimits without_swap = Memory(0);
  without_swap.swap.reset();
  EXPECT_THAT(Lines(R"({"memory":{"limit":-1}})", without_swap, V1()),
              ElementsAre("memory.limit_in_bytes -1"));
}

TEST(PlanUpdateTest, V2KeepsTheSumOfMemoryAndSwap) {
  EXPECT_THAT(Lines(R"({"memory":{"limit":120}})", Memory(50), V2()),
              ElementsAre("memory.max 120", "memory.swap.max 30"));
  EXPECT_THAT(Lines(R"({"memory":{"swap":180}})", Memory(50), V2()),
              ElementsAre("memory.swap.max 80"));
  EXPECT_THAT(Lines(R"({"memory":{"limit":120}})", Memory(-1), V2()),
              ElementsAre("memory.max 120"));
  EXPECT_THAT(Lines(R"({"memory":{"limit":120,"swap":120}})", Memory(50), V2()),
              ElementsAre("memory.max 120", "memory.swap.max 0"));
}

TEST(PlanUpdateTest, WhatCannotBeIsRefusedWithTheNumbers) {
  ExpectRefused(R"({"memory":{"limit":300}})", Memory(200), V1(), "E_DOCUMENT",
                "/memory/limit: 300 is above the limit of memory and swap in force, 200;");
  ExpectRefused(R"({"memory":{"limit":300}})", Memory(50), V2(), "E_DOCUMENT",
                "/memory/limit: 300 is above the limit of memory and swap in force, 150;");
  ExpectRefused(R"({"memory":{"swap":90}})", Memory(200), V1(), "E_DOCUMENT",
                "/memory/swap: 90 is below memory.limit, 100");
  ExpectRefused(R"({"memory":{"swap":90}})", {}, V2(), "E_DOCUMENT",
                "/memory/swap: a limit of memory and swap together needs memory.limit too");
}

TEST(PlanUpdateTest, ChecksWhatIsInUseIfAsked) {
  CurrentLimits current = Memory(-1);
  current.memory_used = 80;

  ExpectRefused(R"({"memory":{"limit":79,"checkBeforeUpdate":true}})", current, V2(), "E_STATE",
                "/memory/limit: 79 is below what is in use, 80");
  EXPECT_THAT(Lines(R"({"memory":{"limit":80,"checkBeforeUpdate":true}})", current, V2()),
              ElementsAre("memory.max 80"));
  EXPECT_THAT(Lines(R"({"memory":{"limit":79,"checkBeforeUpdate":false}})", current, V2()),
              ElementsAre("memory.max 79"));
}

TEST(PlanUpdateTest, QuotaAndPeriodInTheOrderThatIsNeverAboveBothEnds) {
  // A longer period: the old quota in it is less. A shorter one: the new quota in the old one is.
  EXPECT_THAT(Lines(R"({"cpu":{"quota":50000,"period":200000}})", Cpu(50000, 100000), V1()),
              ElementsAre("cpu.cfs_period_us 200000", "cpu.cfs_quota_us 50000"));
  EXPECT_THAT(Lines(R"({"cpu":{"quota":5000,"period":10000}})", Cpu(50000, 100000), V1()),
              ElementsAre("cpu.cfs_quota_us 5000", "cpu.cfs_period_us 10000"));
  EXPECT_THAT(Lines(R"({"cpu":{"quota":-1,"period":10000}})", Cpu(50000, 100000), V1()),
              ElementsAre("cpu.cfs_quota_us -1", "cpu.cfs_period_us 10000"));
  EXPECT_THAT(Lines(R"({"cpu":{"quota":5000,"period":10000}})", Cpu(-1, 100000), V1()),
              ElementsAre("cpu.cfs_period_us 10000", "cpu.cfs_quota_us 5000"));
}

TEST(PlanUpdateTest, V2TakesTheHalfThatIsNotGivenFromTheCgroup) {
  EXPECT_THAT(Lines(R"({"cpu":{"quota":7000}})", Cpu(5000, 20000), V2()),
              ElementsAre("cpu.max 7000"));  // the kernel keeps the period
  EXPECT_THAT(Lines(R"({"cpu":{"period":30000}})", Cpu(5000, 20000), V2()),
              ElementsAre("cpu.max 5000 30000"));
}

TEST(PlanUpdateTest, BurstStaysBelowTheQuota) {
  CurrentLimits current = Cpu(5000, 100000);
  current.cpu_burst = 4000;

  EXPECT_THAT(Lines(R"({"cpu":{"quota":3000,"burst":2000}})", current, V2()),
              ElementsAre("cpu.max.burst 2000", "cpu.max 3000"));
  EXPECT_THAT(Lines(R"({"cpu":{"quota":9000,"burst":8000}})", current, V2()),
              ElementsAre("cpu.max 9000", "cpu.max.burst 8000"));
}

TEST(PlanUpdateTest, IdleGoesBeforeAndComesAfterTheWeight) {
  EXPECT_THAT(Lines(R"({"cpu":{"idle":0,"shares":1024}})", {}, V2()),
              ElementsAre("cpu.idle 0", "cpu.weight 100"));
  EXPECT_THAT(Lines(R"({"cpu":{"idle":1,"shares":1024}})", {}, V2()),
              ElementsAre("cpu.weight 100", "cpu.idle 1"));
}

TEST(PlanUpdateTest, DevicesGetTheDefaultOnesAndV1TheDifference) {
  constexpr char kText[] =
      R"({"devices":[{"allow":false},{"allow":true,"type":"c","major":10,"minor":229}]})";
  CurrentLimits current;
  current.devices =
      "b *:* m\nc *:* m\nc 1:3 rwm\nc 1:5 rwm\nc 1:7 rwm\nc 1:8 rwm\nc 1:9 rwm\n"
      "c 5:0 rwm\nc 5:2 rwm\nc 136:* rwm\nc 8:1 rw\n";

  EXPECT_THAT(Lines(kText, current, V1()),
              ElementsAre("devices.allow c 10:229 rwm", "devices.deny c 8:1 rw"));
  const auto limits = Plan(kText, {}, V2());
  ASSERT_TRUE(limits.ok() && limits->device_program.has_value());
  EXPECT_EQ(limits->device_program->size(), 12);
}

}  // namespace
}  // namespace stave::cgroup
