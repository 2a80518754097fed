// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-oci/spec.h"

#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "libs/json/parse.h"

namespace stave::stave_oci {
namespace {

TEST(StarterConfigTest, IsAShellInATerminal) {
  const json::Value config = StarterConfig();
  EXPECT_EQ(json::Print(*config.Find({"process", "args"})), "[\"sh\"]");
  EXPECT_TRUE(config.Find({"process", "terminal"})->boolean());
  EXPECT_EQ(json::Print(*config.Find("root")), R"({"path":"rootfs","readonly":true})");
  EXPECT_EQ(config.Find("stave"), nullptr);
  EXPECT_TRUE(absl::StrContains(json::Print(*config.Find({"process", "env"})), "TERM=xterm"));
}

TEST(MakeRootlessTest, OneIdTheHostsNetworkAndNoLimits) {
  json::Value config = StarterConfig();
  MakeRootless(1000, 1001, &config);
  EXPECT_EQ(json::Print(*config.Find({"linux", "uidMappings"})),
            R"([{"containerID":0,"hostID":1000,"size":1}])");
  EXPECT_EQ(json::Print(*config.Find({"linux", "gidMappings"})),
            R"([{"containerID":0,"hostID":1001,"size":1}])");
  EXPECT_EQ(config.Find({"linux", "resources"}), nullptr);
  const std::string namespaces = json::Print(*config.Find({"linux", "namespaces"}));
  EXPECT_FALSE(absl::StrContains(namespaces, "network"));
  EXPECT_TRUE(absl::StrContains(namespaces, "user"));
  const std::string mounts = json::Print(*config.Find("mounts"));
  EXPECT_FALSE(absl::StrContains(mounts, "gid="));
  EXPECT_TRUE(absl::StrContains(mounts, "rbind"));
}

}  // namespace
}  // namespace stave::stave_oci
