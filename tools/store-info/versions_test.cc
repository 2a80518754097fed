// SPDX-License-Identifier: Apache-2.0
#include "tools/store-info/versions.h"

#include "gtest/gtest.h"

namespace stave::tools {
namespace {

Machine Example() {
  Machine machine;
  machine.kernel = "6.1.0";
  machine.architecture = "x86_64";
  return machine;
}

TEST(VersionsTest, Text) {
  EXPECT_EQ(VersionsText("0.1.0", Example()),
            "Client: stave\n"
            " Version:           28.5.2\n"
            " OS/Arch:           linux/amd64\n"
            " Context:           default\n"
            "\n"
            "Server: stave, without a daemon\n"
            " Engine:\n"
            "  Version:          28.5.2\n"
            "  OS/Arch:          linux/amd64\n"
            "  Kernel:           6.1.0\n"
            " stave:\n"
            "  Version:          0.1.0\n");
}

TEST(VersionsTest, Json) {
  const json::Value versions = VersionsJson("0.1.0", Example());

  EXPECT_EQ(versions.Find({"Client", "Version"})->text(), "28.5.2");
  EXPECT_EQ(versions.Find({"Server", "Arch"})->text(), "amd64");
  EXPECT_EQ(versions.Find({"Server", "Components"})->elements()[0].Find("Version")->text(),
            "0.1.0");
}

}  // namespace
}  // namespace stave::tools
