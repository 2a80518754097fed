// SPDX-License-Identifier: Apache-2.0
#include "tools/cgroup-limit/options.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/json/parse.h"

namespace stave::cgroup_limit {
namespace {

using ::testing::HasSubstr;

constexpr cli::Program kProgram = {
    .name = "cgroup-limit", .purpose = "", .synopsis = "", .options = kOptions};

absl::Status Edit(std::vector<std::string> args, json::Value* document) {
  args.insert(args.begin(), "cgroup-limit");
  std::vector<char*> argv;
  for (std::string& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  const auto options =
      cli::ParseCommandLine(kProgram, static_cast<int>(argv.size() - 1), argv.data());
  if (!options.ok()) return options.status();
  const Machine machine = {.highest_cpu = 3, .highest_node = 0};
  const absl::Status status = SetResources(*options, machine, document);
  return status.ok() ? CheckTogether(*options, *document) : status;
}

std::string Edited(const std::vector<std::string>& args, absl::string_view text = "{}") {
  json::Value document = *json::Parse(text);
  const absl::Status status = Edit(args, &document);
  return status.ok() ? json::Print(document) : std::string(status.message());
}

std::string Resources(absl::string_view members) {
  return absl::StrCat(R"({"linux":{"resources":{)", members, "}}}");
}

TEST(SetResourcesTest, NoOptionChangesNothing) {
  EXPECT_EQ(Edited({}, R"({"a":1.50,"linux":null})"), R"({"a":1.50,"linux":null})");
}

TEST(SetResourcesTest, Memory) {
  EXPECT_EQ(Edited({"-m", "64M", "--memory-swap", "128m", "--memory-reservation", "32m"}),
            Resources(R"("memory":{"limit":67108864,"swap":134217728,"reservation":33554432})"));
  EXPECT_EQ(Edited({"--memory=max", "--memory-swap=-1", "--memory-swappiness=0"}),
            Resources(R"("memory":{"limit":-1,"swap":-1,"swappiness":0})"));
  EXPECT_EQ(Edited({"--oom-kill-disable"}), Resources(R"("memory":{"disableOOMKiller":true})"));
}

TEST(SetResourcesTest, CpuAndPids) {
  EXPECT_EQ(Edited({"--cpus", "1.5", "-c", "512", "--cpuset-cpus", "0-1,3", "--cpuset-mems", "0",
                    "--pids-limit", "100"}),
            Resources(R"("cpu":{"shares":512,"period":100000,"quota":150000,"cpus":"0-1,3",)"
                      R"("mems":"0"},"pids":{"limit":100})"));
  EXPECT_EQ(Edited({"--cpus=0.01"}), Resources(R"("cpu":{"period":100000,"quota":1000})"));
  EXPECT_EQ(Edited({"--cpus=4"}), Resources(R"("cpu":{"period":100000,"quota":400000})"));
  EXPECT_EQ(Edited({"--cpu-period=50000", "--cpu-quota=max", "--pids-limit=-1"}),
            Resources(R"("cpu":{"period":50000,"quota":-1},"pids":{"limit":-1})"));
}

TEST(SetResourcesTest, UnifiedAndWeight) {
  EXPECT_EQ(
      Edited({"--blkio-weight=10", "--unified", "memory.high=5", "--unified=io.max=8:0 rbps=1"}),
      Resources(R"("blockIO":{"weight":10},)"
                R"("unified":{"memory.high":"5","io.max":"8:0 rbps=1"})"));
}

TEST(SetResourcesTest, KeepsWhatItDoesNotOwn) {
  constexpr char kBefore[] = R"({"z":1e300,"linux":{"resources":{"memory":{"limit":1,"x":0.10},)"
                             R"("devices":[]},"y":[]},"stave":{}})";
  constexpr char kAfter[] = R"({"z":1e300,"linux":{"resources":{"memory":{"limit":-1,"x":0.10},)"
                            R"("devices":[]},"y":[]},"stave":{}})";

  EXPECT_EQ(Edited({"--memory", "max"}, kBefore), kAfter);
}

TEST(SetResourcesTest, RefusesToReplaceWhatIsNoObject) {
  EXPECT_EQ(Edited({"--pids-limit=5"}, R"({"linux":[]})"),
            "/linux: is of type array, must be an object");
  EXPECT_EQ(Edited({"--pids-limit=5"}, R"({"linux":{"resources":{"pids":5}}})"),
            "/linux/resources/pids: is of type number, must be an object");
}

TEST(SetResourcesTest, BadValuesAreUsageErrors) {
  const struct {
    std::vector<std::string> args;
    const char* want;
  } cases[] = {
      {{"--memory=1"}, "--memory: \"1\": is below the minimum of 6m"},
      {{"--memory=0"}, "below the minimum"},
      {{"--memory=1.5.2g"}, "--memory: \"1.5.2g\""},
      {{"--memory=10gb8"}, "--memory: \"10gb8\""},
      {{"--memory=-1"}, "--memory: \"-1\": is not a size; max means no limit"},
      {{"--memory=99999999999999999999"}, "--memory: "},
      {{"--memory="}, "--memory: "},
      {{"--memory-swap=5m", "--memory=6m"}, "--memory-swap: 5242880 is below the memory limit"},
      {{"--memory-swap=5m"}, "--memory-swap: needs --memory too"},
      {{"--memory-reservation=7m", "--memory=6m"}, "--memory-reservation: 7340032 is above"},
      {{"--memory-swappiness=101"}, "--memory-swappiness: "},
      {{"--cpus=0"}, "--cpus: \"0\": is below the minimum of 0.01"},
      {{"--cpus=NaN"}, "--cpus: \"NaN\": is not a number of CPUs"},
      {{"--cpus=inf"}, "--cpus: \"inf\""},
      {{"--cpus=1e400"}, "--cpus: \"1e400\""},
      {{"--cpus=-1"}, "--cpus: \"-1\""},
      {{"--cpus=4.01"},
       "--cpus: \"4.01\": range of CPUs is from 0.01 to 4.00, as there are only 4 CPUs available"},
      {{"--cpus=1", "--cpu-quota=5000"}, "--cpus and --cpu-quota"},
      {{"--cpu-shares=1"}, "--cpu-shares: "},
      {{"--cpu-period=999"}, "--cpu-period: "},
      {{"--cpu-quota=999"}, "--cpu-quota: "},
      {{"--cpuset-cpus=0-"}, "--cpuset-cpus: \"0-\": is not a list"},
      {{"--cpuset-cpus=3-1"}, "--cpuset-cpus: \"3-1\""},
      {{"--cpuset-cpus=0-99999"}, "99999 is not there; this machine has 0-3"},
      {{"--cpuset-mems=1"}, "--cpuset-mems: \"1\": 1 is not there; this machine has 0"},
      {{"--cpuset-cpus="}, "--cpuset-cpus: "},
      {{"--pids-limit=-5"}, "--pids-limit: "},
      {{"--pids-limit=0"}, "--pids-limit: \"0\": would not let anything start"},
      {{"--pids-limit=9007199254740993"}, "--pids-limit: "},
      {{"--blkio-weight=5"}, "--blkio-weight: "},
      {{"--device-read-bps=/dev/null:1m"}, "\"/dev/null\": is not a block device"},
      {{"--device-read-bps=/nowhere:1m"}, "--device-read-bps: /nowhere: stat: No such file"},
      {{"--device-read-bps=/dev/null"}, "must be a block device, a colon and a rate"},
      {{"--device-write-iops=/dev/null:0"}, "--device-write-iops: "},
      {{"--unified=memory.high"}, "--unified: \"memory.high\": must be as in"},
      {{"--unified=../x.y=5"}, "--unified: "},
      {{"--unified==5"}, "--unified: "},
  };
  for (const auto& c : cases) {
    json::Value document = json::Value::Object();
    const absl::Status status = Edit(c.args, &document);
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.want));
    EXPECT_EQ(base::ErrorWord(status), "E_USAGE") << c.args[0];
  }
}

TEST(CheckTogetherTest, CountsWhatAnEarlierStageSet) {
  EXPECT_EQ(Edited({"--memory-swap=10m"}, Resources(R"("memory":{"limit":6291456})")),
            Resources(R"("memory":{"limit":6291456,"swap":10485760})"));
  EXPECT_THAT(Edited({"--memory=20m"}, Resources(R"("memory":{"limit":1,"swap":10485760})")),
              HasSubstr("--memory-swap: 10485760 is below the memory limit, 20971520"));
}

}  // namespace
}  // namespace stave::cgroup_limit
