// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/platform.h"

#include <string>

#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::oci {
namespace {

std::string Name(absl::string_view text) {
  const auto platform = ParsePlatform(text);
  return platform.ok() ? PlatformName(*platform) : base::ErrorWord(platform.status());
}

std::string Order(absl::string_view text) {
  return absl::StrJoin(PlatformOrder(*ParsePlatform(text)), " ",
                       [](std::string* out, const Platform& p) { *out += PlatformName(p); });
}

TEST(ParsePlatformTest, NormalisesNames) {
  EXPECT_EQ(Name("linux/amd64"), "linux/amd64");
  EXPECT_EQ(Name("Linux/X86_64/v1"), "linux/amd64");
  EXPECT_EQ(Name("linux/aarch64/v8"), "linux/arm64");
  EXPECT_EQ(Name("linux/arm"), "linux/arm/v7");
  EXPECT_EQ(Name("linux/arm/6"), "linux/arm/v6");
  EXPECT_EQ(Name("linux/armhf"), "linux/arm/v7");
  EXPECT_EQ(Name("linux/armel"), "linux/arm/v6");
  EXPECT_EQ(Name("linux/i386"), "linux/386");
  EXPECT_EQ(Name("macos/arm64"), "darwin/arm64");
  EXPECT_EQ(Name("riscv64"), "linux/riscv64");
  EXPECT_EQ(Name("linux"), PlatformName(HostPlatform()));
}

TEST(ParsePlatformTest, RefusesOddText) {
  for (const char* text : {"", "/", "linux/", "/amd64", "a/b/c/d", "linux/am d", "linux/../x",
                           "vax", "linux/\xd0\xb5"}) {
    EXPECT_EQ(Name(text), "E_PLATFORM") << text;
  }
}

TEST(PlatformOrderTest, NearOnesFollow) {
  EXPECT_EQ(Order("linux/amd64"), "linux/amd64 linux/386");
  EXPECT_EQ(Order("linux/amd64/v3"), "linux/amd64/v3 linux/amd64/v2 linux/amd64 linux/386");
  EXPECT_EQ(Order("linux/arm/v6"), "linux/arm/v6 linux/arm/v5");
  EXPECT_EQ(Order("linux/arm64"),
            "linux/arm64 linux/arm/v8 linux/arm/v7 linux/arm/v6 linux/arm/v5");
  EXPECT_EQ(Order("linux/arm64/v9"),
            "linux/arm64/v9 linux/arm64/v8.5 linux/arm64/v8.4 linux/arm64/v8.3 linux/arm64/v8.2 "
            "linux/arm64/v8.1 linux/arm64 linux/arm/v8 linux/arm/v7 linux/arm/v6 linux/arm/v5");
  EXPECT_EQ(Order("linux/riscv64"), "linux/riscv64");
}

TEST(HostPlatformTest, IsLinux) {
  EXPECT_EQ(HostPlatform().os, "linux");
  EXPECT_FALSE(HostPlatform().architecture.empty());
}

}  // namespace
}  // namespace stave::oci
