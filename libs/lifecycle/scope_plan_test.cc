// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/scope_plan.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::lifecycle {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string Scope(absl::string_view path) {
  const auto name = ParseScopeName(path, "c+1");
  if (!name.ok()) return absl::StrCat(name.status().message(), " ", base::ErrorWord(name.status()));
  return absl::StrCat(name->slice, " ", name->unit, " ", name->cgroup);
}

TEST(ParseScopeName, HasSlicePrefixAndName) {
  EXPECT_EQ(Scope("machine.slice:stave:c1"),
            "machine.slice stave-c1.scope /machine.slice/stave-c1.scope");
  EXPECT_EQ(Scope("a-b-c.slice:cri:c_1"),
            "a-b-c.slice cri-c_1.scope /a.slice/a-b.slice/a-b-c.slice/cri-c_1.scope");
  EXPECT_EQ(Scope(":docker:7"), "system.slice docker-7.scope /system.slice/docker-7.scope");
  EXPECT_EQ(Scope("-.slice::c1"), "-.slice c1.scope /c1.scope");
}

TEST(ParseScopeName, IsMadeOfTheIdWithoutAPath) {
  EXPECT_EQ(Scope(""), "system.slice stave-c\\x2b1.scope /system.slice/stave-c\\x2b1.scope");
}

TEST(ParseScopeName, RefusesOtherForms) {
  for (const char* path : {"/stave/c1", "c1", "a.slice:c1", "a.slice:b:c:d", "a.slice:b:"}) {
    EXPECT_EQ(Scope(path), absl::StrCat("/linux/cgroupsPath: \"", path,
                                        "\": expected cgroupsPath to be of format "
                                        "\"slice:prefix:name\" for systemd cgroups E_DOCUMENT"));
  }
  for (const char* slice : {"a", "a.scope", ".slice", "-a.slice", "a-.slice", "a--b.slice",
                            "../a.slice", "a/b.slice", "a\n.slice"}) {
    EXPECT_THAT(Scope(absl::StrCat(slice, ":b:c")), testing::EndsWith(" is no slice E_DOCUMENT"));
  }
  for (const char* name : {"b:../c", "b:c/d", "b:c d", "b:c\xc3\xa4", ":.", "/:c"}) {
    EXPECT_THAT(Scope(absl::StrCat("a.slice:", name)),
                testing::EndsWith(" is no name of a unit E_DOCUMENT"));
  }
  EXPECT_THAT(Scope(absl::StrCat("a.slice:b:", std::string(250, 'c'))),
              testing::EndsWith(" is no name of a unit E_DOCUMENT"));
}

TEST(LooksLikeScope, HasTwoColonsAndNoSlash) {
  EXPECT_TRUE(LooksLikeScope("machine.slice:stave:c1"));
  EXPECT_TRUE(LooksLikeScope(":stave:c1"));
  EXPECT_FALSE(LooksLikeScope(""));
  EXPECT_FALSE(LooksLikeScope("c1"));
  EXPECT_FALSE(LooksLikeScope("a:b"));
  EXPECT_FALSE(LooksLikeScope("/a:b:c"));
  EXPECT_FALSE(LooksLikeScope("a/b:c:d"));
}

std::vector<std::string> Properties(absl::string_view file, absl::string_view value) {
  cgroup::Limits limits;
  limits.settings.push_back(
      {"/linux/resources", "any", std::string(file), std::string(value), "", "", false});
  return UnitProperties(limits, 50000);
}

TEST(UnitProperties, AreThoseThatSystemdHas) {
  EXPECT_THAT(Properties("memory.max", "67108864"), ElementsAre("MemoryMax=t:67108864"));
  EXPECT_THAT(Properties("memory.low", "1"), ElementsAre("MemoryLow=t:1"));
  EXPECT_THAT(Properties("memory.swap.max", "max"),
              ElementsAre("MemorySwapMax=t:18446744073709551615"));
  EXPECT_THAT(Properties("cpu.weight", "39"), ElementsAre("CPUWeight=t:39"));
  EXPECT_THAT(Properties("pids.max", "20"), ElementsAre("TasksMax=t:20"));
  EXPECT_THAT(Properties("io.max", "8:0 rbps=1"), IsEmpty());
  EXPECT_THAT(Properties("memory.high", "lots"), IsEmpty());
}

TEST(UnitProperties, HaveSetsAsMasks) {
  EXPECT_THAT(Properties("cpuset.cpus", "0"), ElementsAre("AllowedCPUs=ay:01"));
  EXPECT_THAT(Properties("cpuset.cpus", "0-2,8"), ElementsAre("AllowedCPUs=ay:0701"));
  EXPECT_THAT(Properties("cpuset.mems", "1"), ElementsAre("AllowedMemoryNodes=ay:02"));
  EXPECT_THAT(Properties("cpuset.cpus", "a"), IsEmpty());
  EXPECT_THAT(Properties("cpuset.cpus", "0-2-4"), IsEmpty());
}

TEST(UnitProperties, HaveTheQuotaOfASecondInPercent) {
  EXPECT_THAT(Properties("cpu.max", "50000 100000"),
              ElementsAre("CPUQuotaPeriodUSec=t:100000", "CPUQuotaPerSecUSec=t:500000"));
  EXPECT_THAT(Properties("cpu.max", "25000"), ElementsAre("CPUQuotaPerSecUSec=t:500000"));
  EXPECT_THAT(Properties("cpu.max", "1001 100000"),
              ElementsAre("CPUQuotaPeriodUSec=t:100000", "CPUQuotaPerSecUSec=t:20000"));
  EXPECT_THAT(Properties("cpu.max", "max"),
              ElementsAre("CPUQuotaPerSecUSec=t:18446744073709551615"));
  EXPECT_THAT(Properties("cpu.max", "1 2 3"), IsEmpty());
  EXPECT_THAT(Properties("cpu.max", "1 0"), IsEmpty());
}

}  // namespace
}  // namespace stave::lifecycle
