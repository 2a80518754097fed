// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-oci/update_resources.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/json/parse.h"

namespace stave::stave_oci {
namespace {

absl::StatusOr<json::Value> Requested(std::vector<std::string> words) {
  const cli::Program table = {
      .name = "update", .purpose = "", .synopsis = "", .options = UpdateOptions(), .mixed = true};
  words.insert(words.begin(), "update");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const auto own = cli::ParseCommandLine(table, static_cast<int>(words.size()), argv.data());
  if (!own.ok()) return own.status();
  return RequestedResources(*own);
}

std::string Text(std::vector<std::string> words) {
  const auto resources = Requested(std::move(words));
  return resources.ok() ? json::Print(*resources) : std::string(resources.status().message());
}

TEST(RequestedResourcesTest, OfOptions) {
  EXPECT_EQ(Text({"c1", "--memory", "64m", "--memory-swap=-1", "--cpu-share", "512"}),
            R"({"memory":{"limit":67108864,"swap":-1},"cpu":{"shares":512}})");
  EXPECT_EQ(Text({"--cpu-quota", "5000", "--cpu-period", "10000", "--cpuset-cpus", "0-1", "c1"}),
            R"({"cpu":{"period":10000,"quota":5000,"cpus":"0-1"}})");
  EXPECT_EQ(Text({"--pids-limit", "10", "--blkio-weight", "100", "c1"}),
            R"({"pids":{"limit":10},"blockIO":{"weight":100}})");
  EXPECT_EQ(Text({"--memory=", "c1"}), "{}");
}

TEST(RequestedResourcesTest, WrongValuesAreNamed) {
  EXPECT_EQ(Text({"--memory", "lots", "c1"}),
            "--memory: \"lots\": is not a size (bytes, or with k, m, g, t)");
  EXPECT_EQ(base::ErrorWord(Requested({"--cpu-period", "-1", "c1"}).status()), "E_USAGE");
  EXPECT_EQ(base::ErrorWord(Requested({"--l3-cache-schema", "L3:0=f", "c1"}).status()),
            "E_UNSUPPORTED");
  EXPECT_EQ(base::ErrorWord(Requested({"-r", "/nonexistent", "c1"}).status()), "E_NOT_FOUND");
}

}  // namespace
}  // namespace stave::stave_oci
