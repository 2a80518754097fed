// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/plan.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"
#include "libs/oci/default_config.h"

namespace stave::runtime {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

// The default config with `path` set to the JSON `text`.
json::Value With(std::initializer_list<absl::string_view> path, const std::string& key,
                 const std::string& text) {
  json::Value config = oci::DefaultConfig();
  config.Make({"process"}).Set("args", json::Value::Strings({"sh"}));
  config.Make(path).Set(key, *json::Parse(text));
  return config;
}

std::string Error(const json::Value& config) {
  const auto plan = MakePlan(config);
  if (plan.ok()) return "accepted";
  return std::string(plan.status().message()) + " [" + base::ErrorWord(plan.status()) + "]";
}

TEST(MakePlanTest, UnderstandsTheDefaultConfig) {
  const auto plan = MakePlan(With({"process"}, "cwd", "\"/\""));

  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_TRUE(plan->Creates(CLONE_NEWPID));
  EXPECT_TRUE(plan->Creates(CLONE_NEWCGROUP));
  EXPECT_FALSE(plan->Has(CLONE_NEWUSER));
  EXPECT_EQ(plan->mounts[0].destination, "/proc");
  EXPECT_EQ(plan->process.umask, 022);
  EXPECT_EQ(plan->process.capabilities->inheritable, 0u);
  EXPECT_FALSE(plan->seccomp.is_null());
}

TEST(MakePlanTest, EmptyArgsAreRefused) {
  EXPECT_EQ(Error(With({"process"}, "args", "[]")), "/process/args: is empty [E_DOCUMENT]");
  EXPECT_EQ(Error(With({"process"}, "args", "[\"\"]")), "/process/args/0: is empty [E_DOCUMENT]");
  EXPECT_EQ(Error(With({"process"}, "args", "\"sh\"")),
            "/process/args: an array is wanted, not string [E_DOCUMENT]");
}

TEST(MakePlanTest, IdsAreBelowMinusOne) {
  EXPECT_THAT(Error(With({"process", "user"}, "uid", "4294967295")),
              HasSubstr("/process/user/uid"));
  EXPECT_THAT(Error(With({"process", "user"}, "uid", "-1")), HasSubstr("/process/user/uid"));
  EXPECT_EQ(Error(With({"process", "user"}, "uid", "4294967294")), "accepted");
}

TEST(MakePlanTest, PathsOfTheContainerHaveNoWayUp) {
  EXPECT_THAT(Error(With({"process"}, "cwd", "\"work\"")), HasSubstr("/process/cwd"));
  EXPECT_THAT(Error(With({"linux"}, "cgroupsPath", "\"/a/../..\"")),
              HasSubstr("/linux/cgroupsPath"));
  EXPECT_THAT(Error(With({"linux"}, "cgroupsPath", "\"/\"")), HasSubstr("/linux/cgroupsPath"));
  EXPECT_THAT(Error(With({"linux"}, "maskedPaths", "[\"proc\"]")),
              HasSubstr("/linux/maskedPaths/0"));
  EXPECT_THAT(Error(With({}, "mounts", R"([{"destination":"/a/../../b","type":"tmpfs"}])")),
              HasSubstr("/mounts/0/destination"));
}

TEST(MakePlanTest, RlimitsAreWholeAndOnce) {
  const auto plan =
      MakePlan(With({"process"}, "rlimits",
                    R"([{"type":"RLIMIT_NOFILE","soft":5,"hard":18446744073709551615}])"));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->process.rlimits[0].resource, RLIMIT_NOFILE);
  EXPECT_EQ(plan->process.rlimits[0].hard, RLIM_INFINITY);

  EXPECT_THAT(Error(With({"process"}, "rlimits", R"([{"type":"RLIMIT_X","soft":5,"hard":5}])")),
              HasSubstr("/process/rlimits/0/type"));
  EXPECT_THAT(Error(With({"process"}, "rlimits", R"([{"type":"RLIMIT_CPU","soft":6,"hard":5}])")),
              HasSubstr("/process/rlimits/0/soft"));
  EXPECT_THAT(
      Error(With(
          {"process"}, "rlimits",
          R"([{"type":"RLIMIT_CPU","soft":5,"hard":5},{"type":"RLIMIT_CPU","soft":5,"hard":5}])")),
      HasSubstr("appears twice"));
}

TEST(MakePlanTest, SysctlsBelongToANamespace) {
  const auto plan =
      MakePlan(With({"linux"}, "sysctl", R"({"net.ipv4.conf.eth0/5.forwarding":"1"})"));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->sysctls[0].first, "net/ipv4/conf/eth0.5/forwarding");

  EXPECT_THAT(Error(With({"linux"}, "sysctl", R"({"kernel.core_pattern":"|x"})")),
              HasSubstr("belongs to the host"));
  EXPECT_THAT(
      Error(With({"linux"}, "sysctl", R"({"kernel.shm_rmid_forced=1+kernel.core_pattern":"x"})")),
      HasSubstr("is no name of a sysctl"));
  EXPECT_THAT(Error(With({"linux"}, "sysctl", R"({"net/../kernel/core_pattern":"x"})")),
              HasSubstr("is no name of a sysctl"));
}

TEST(MakePlanTest, NamespacesComeOnceAndUserNeedsMaps) {
  EXPECT_THAT(Error(With({"linux"}, "namespaces", R"([{"type":"mount"},{"type":"mount"}])")),
              HasSubstr("/linux/namespaces/1/type: appears twice"));
  EXPECT_THAT(Error(With({"linux"}, "namespaces", R"([{"type":"mount"},{"type":"user"}])")),
              HasSubstr("needs uidMappings and gidMappings"));
  EXPECT_THAT(Error(With({"linux"}, "namespaces", R"([{"type":"pid"}])")),
              HasSubstr("[E_UNSUPPORTED]"));
  EXPECT_THAT(Error(With({"linux"}, "namespaces", R"([{"type":"mnt"}])")),
              HasSubstr("is no namespace"));
}

TEST(MakePlanTest, WhatIsNotDoneIsRefused) {
  EXPECT_THAT(Error(With({}, "hooks", R"({"prestart":[{"path":"/bin/true"}]})")),
              HasSubstr("[E_UNSUPPORTED]"));
  EXPECT_THAT(Error(With({"process"}, "selinuxLabel", "\"x\"")), HasSubstr("[E_UNSUPPORTED]"));
  EXPECT_THAT(Error(With({"linux"}, "intelRdt", "{}")), HasSubstr("/linux/intelRdt"));
}

TEST(MakePlanTest, UnknownCapabilitiesAreWarnings) {
  const auto plan =
      MakePlan(With({"process", "capabilities"}, "bounding", R"(["CAP_CHOWN","CAP_NEW"])"));

  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(plan->warnings, SizeIs(1));
}

TEST(MakePlanTest, VersionsOneAreUnderstood) {
  EXPECT_EQ(Error(With({}, "ociVersion", "\"1.0.2-dev\"")), "accepted");
  EXPECT_EQ(Error(With({}, "ociVersion", "\"1.3.0\"")), "accepted");
  EXPECT_THAT(Error(With({}, "ociVersion", "\"2.0.0\"")), HasSubstr("/ociVersion"));
  EXPECT_THAT(Error(With({}, "ociVersion", "\"abc\"")), HasSubstr("/ociVersion"));
  EXPECT_THAT(Error(*json::Parse("{}")), HasSubstr("/ociVersion"));
}

}  // namespace
}  // namespace stave::runtime
