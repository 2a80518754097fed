// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/login_host.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::registry {
namespace {

TEST(ParseLoginHostTest, AllNamesOfDockerHub) {
  for (const char* name : {"", "docker.io", "index.docker.io", "registry-1.docker.io", kHubKey,
                           "https://docker.io", "Docker.IO"}) {
    EXPECT_EQ(*ParseLoginHost(name), "docker.io") << name;
  }
  EXPECT_EQ(ApiHostOf("docker.io"), "registry-1.docker.io");
}

TEST(ParseLoginHostTest, Others) {
  EXPECT_EQ(*ParseLoginHost("reg.io:5000"), "reg.io:5000");
  EXPECT_EQ(*ParseLoginHost("https://Reg.io/v2/"), "reg.io");
  EXPECT_EQ(*ParseLoginHost("localhost"), "localhost");
  EXPECT_EQ(*ParseLoginHost("127.0.0.1:5000"), "127.0.0.1:5000");
  EXPECT_EQ(*ParseLoginHost("[::1]:5000"), "[::1]:5000");
  EXPECT_EQ(ApiHostOf("reg.io"), "reg.io");
}

TEST(ParseLoginHostTest, WhatIsNoHost) {
  for (const char* name : {"reg.io/a", "reg io", "reg.io:x", "-", "/", "ftp://x", "../x"}) {
    const auto host = ParseLoginHost(name);
    ASSERT_FALSE(host.ok()) << name;
    EXPECT_EQ(base::ErrorWord(host.status()), "E_USAGE") << name;
  }
}

TEST(ParseLoginHostTest, APasswordIsNotRepeated) {
  const auto host = ParseLoginHost("https://ann:hunter2@reg.io");
  ASSERT_FALSE(host.ok());
  EXPECT_EQ(host.status().message().find("hunter2"), std::string::npos);
}

TEST(KeyMatchTest, TheWholeHost) {
  for (const char* key : {"reg.io", "https://reg.io", "http://reg.io/", "https://reg.io/v1/",
                          "reg.io/v2/", "REG.io", "https://reg.io/some/path"}) {
    EXPECT_EQ(KeyMatch(key, "reg.io/a/b"), 6u) << key;
  }
  EXPECT_EQ(KeyMatch(kHubKey, "docker.io/library/alpine"), 9u);
  EXPECT_EQ(KeyMatch("docker.io", "docker.io"), 9u);
}

TEST(KeyMatchTest, AnotherHost) {
  for (const char* key :
       {"reg.io:443", "reg.io:5000", "reg.io.evil.example", "evilreg.io", "reg.i", "reg", "", "/",
        "https://", "reg.io.", ".reg.io", "*.io", "eg.io", "reg.io@evil.example", "reg.io:80/a"}) {
    EXPECT_EQ(KeyMatch(key, "reg.io/a/b"), 0u) << key;
  }
  EXPECT_EQ(KeyMatch("reg.io", "reg.io:5000/a"), 0u);
}

TEST(KeyMatchTest, ANamespace) {
  EXPECT_EQ(KeyMatch("reg.io/a", "reg.io/a/b"), 8u);
  EXPECT_EQ(KeyMatch("reg.io/a/b", "reg.io/a/b"), 10u);
  EXPECT_EQ(KeyMatch("reg.io/a/b/c", "reg.io/a/b"), 0u);
  EXPECT_EQ(KeyMatch("reg.io/a", "reg.io/ab"), 0u);
  EXPECT_EQ(KeyMatch("reg.io/a", "reg.io"), 0u);
}

}  // namespace
}  // namespace stave::registry
