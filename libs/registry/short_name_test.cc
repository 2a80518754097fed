// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/short_name.h"

#include <string>

#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::registry {
namespace {

std::string Expand(const RegistriesConf& conf, absl::string_view text) {
  const auto names = ExpandShortName(conf, text);
  return names.ok() ? absl::StrJoin(*names, " ") : base::ErrorWord(names.status());
}

TEST(ShortName, WhatIsOne) {
  for (const char* name : {"alpine", "alpine:3.18", "user/x", "alpine@sha256:00"}) {
    EXPECT_TRUE(IsShortName(name)) << name;
  }
  for (const char* name : {"docker.io/x", "localhost/x", "reg:5000/x", "[::1]/x", "Reg/x"}) {
    EXPECT_FALSE(IsShortName(name)) << name;
  }
}

TEST(ShortName, IsDockersWithoutAWord) {
  EXPECT_EQ(Expand({}, "alpine:3"), "docker.io/alpine:3");
  EXPECT_EQ(Expand({}, "user/x"), "docker.io/user/x");
}

TEST(ShortName, AliasBeforeSearch) {
  RegistriesConf conf;
  conf.search = {"quay.io", "docker.io"};
  conf.aliases = {{"fedora", "reg.example/f"}, {"loop", "loop"}, {"tag", "a.io/x:1"}};
  EXPECT_EQ(Expand(conf, "fedora:40"), "reg.example/f:40");
  EXPECT_EQ(Expand(conf, "web@sha256:1"), "quay.io/web@sha256:1 docker.io/web@sha256:1");
  EXPECT_EQ(Expand(conf, "loop"), "E_REGISTRIES_CONF");
  EXPECT_EQ(Expand(conf, "tag"), "E_REGISTRIES_CONF");
  conf.search->clear();
  EXPECT_EQ(Expand(conf, "web"), "E_SHORT_NAME");
}

}  // namespace
}  // namespace stave::registry
