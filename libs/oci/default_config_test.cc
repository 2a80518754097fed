// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/default_config.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/json/parse.h"
#include "libs/oci/process.h"

namespace stave::oci {
namespace {

using json::Value;

std::string At(const Value& document, std::initializer_list<absl::string_view> path) {
  const Value* value = document.Find(path);
  return value == nullptr ? "absent" : json::Print(*value);
}

TEST(DefaultConfigTest, IsWholeAndHasNoRoot) {
  const Value config = DefaultConfig();

  EXPECT_EQ(At(config, {"ociVersion"}), "\"1.1.0\"");
  EXPECT_EQ(At(config, {"root"}), "absent");
  EXPECT_EQ(At(config, {"process", "args"}), "[]");
  EXPECT_EQ(At(config, {"process", "cwd"}), "\"/\"");
  EXPECT_EQ(At(config, {"process", "user"}),
            R"({"uid":0,"gid":0,"umask":18,"additionalGids":[0]})");
  EXPECT_EQ(
      At(config, {"process", "env"}),
      R"(["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","HOME=/root"])");
  EXPECT_EQ(At(config, {"linux", "namespaces"}),
            R"([{"type":"pid"},{"type":"mount"},{"type":"ipc"},{"type":"uts"},)"
            R"({"type":"network"},{"type":"cgroup"}])");
  EXPECT_EQ(At(config, {"linux", "resources", "pids"}), R"({"limit":4096})");
  EXPECT_EQ(config.Find("mounts")->elements().size(), 7u);
  EXPECT_EQ(BoundingCapabilities(config).size(), 14u);
  EXPECT_EQ(At(config, {"process", "capabilities", "inheritable"}), "absent");
  EXPECT_EQ(At(config, {"stave"}), R"({"version":1})");
}

TEST(DefaultConfigTest, DevicesAreDeniedFirst) {
  const Value config = DefaultConfig();
  const Value& first = config.Find({"linux", "resources", "devices"})->elements()[0];

  EXPECT_EQ(json::Print(first), R"({"allow":false,"access":"rwm"})");
}

TEST(DefaultConfigTest, IsTheSameEachTime) {
  EXPECT_EQ(json::Print(DefaultConfig()), json::Print(DefaultConfig()));
  EXPECT_TRUE(json::Parse(json::Print(DefaultConfig())).ok());
}

TEST(DefaultConfigForTest, TakesTheImagesWords) {
  ImageConfig image;
  image.env = {"A=1", "PATH=/bin"};
  image.entrypoint = {"/entry"};
  image.cmd = {"x"};
  image.working_dir = "/srv";

  const Value config = DefaultConfigFor(image, {1000, 1000, {1000, 5}, "/home/app"});

  EXPECT_EQ(At(config, {"process", "env"}), R"(["PATH=/bin","A=1","HOME=/home/app"])");
  EXPECT_EQ(At(config, {"process", "args"}), R"(["/entry","x"])");
  EXPECT_EQ(At(config, {"process", "cwd"}), "\"/srv\"");
  EXPECT_EQ(At(config, {"process", "user"}),
            R"({"uid":1000,"gid":1000,"umask":18,"additionalGids":[1000,5]})");
  EXPECT_EQ(At(config, {"process", "capabilities", "effective"}), "[]");
}

TEST(DefaultConfigForTest, NothingToRunIsAllowed) {
  const Value config = DefaultConfigFor(ImageConfig(), User());

  EXPECT_EQ(At(config, {"process", "args"}), "[]");
}

}  // namespace
}  // namespace stave::oci
