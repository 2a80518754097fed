// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-oci/features.h"

#include "gtest/gtest.h"

namespace stave::stave_oci {
namespace {

TEST(FeaturesTest, HasWhatEnginesLookFor) {
  const json::Value features = Features();
  EXPECT_EQ(features.Find("ociVersionMin")->text(), "1.0.0");
  EXPECT_EQ(features.Find("ociVersionMax")->text(), "1.3.0");
  EXPECT_EQ(features.Find("hooks")->elements().size(), 6u);
  EXPECT_TRUE(features.Find({"linux", "mountExtensions", "idmap", "enabled"})->boolean());
  EXPECT_TRUE(features.Find({"linux", "cgroup", "v1"})->boolean());
  EXPECT_TRUE(features.Find({"linux", "cgroup", "systemd"})->boolean());
  EXPECT_EQ(features.Find({"linux", "capabilities"})->elements().size(), 41u);
  EXPECT_GT(features.Find({"linux", "seccomp", "actions"})->elements().size(), 8u);
  bool recursive = false;
  for (const json::Value& option : features.Find("mountOptions")->elements()) {
    recursive = recursive || option.text() == "rro";
  }
  EXPECT_TRUE(recursive);
}

}  // namespace
}  // namespace stave::stave_oci
