// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/registries_conf.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::registry {
namespace {

RegistriesConf Merge(absl::string_view text) {
  RegistriesConf conf;
  const absl::Status status = MergeRegistriesConf(text, &conf);
  EXPECT_TRUE(status.ok()) << status;
  return conf;
}

std::string Refusal(absl::string_view text) {
  RegistriesConf conf;
  const absl::Status status = MergeRegistriesConf(text, &conf);
  EXPECT_EQ(base::ErrorWord(status), "E_REGISTRIES_CONF") << text;
  return std::string(status.message());
}

TEST(RegistriesConf, NothingIsSaidByAnEmptyFile) {
  const RegistriesConf conf = Merge("# a comment\n");
  EXPECT_FALSE(conf.search.has_value());
  EXPECT_TRUE(conf.registries.empty());
  EXPECT_EQ(conf.short_names, ShortNameMode::kPermissive);
}

TEST(RegistriesConf, EveryMember) {
  const RegistriesConf conf = Merge(R"(
unqualified-search-registries = ["docker.io", "quay.io"]
short-name-mode = "enforcing"
credential-helpers = ["secretservice"]
unknown = 1
[aliases]
"fedora" = "registry.fedoraproject.org/fedora"
[[registry]]
prefix = "docker.io/library"
location = "hub.example:5000/lib/"
insecure = true
[[registry.mirror]]
location = "10.0.0.1:5000/hub"
insecure = true
pull-from-mirror = "digest-only"
[[registry.mirror]]
location = "10.0.0.2"
[[registry]]
prefix = "*.bad.example"
blocked = true
[[registry]]
location = "quay.io"
mirror-by-digest-only = true
[[registry.mirror]]
location = "q.example"
)");
  EXPECT_EQ(*conf.search, (std::vector<std::string>{"docker.io", "quay.io"}));
  EXPECT_EQ(conf.short_names, ShortNameMode::kEnforcing);
  EXPECT_EQ(conf.credential_helpers->size(), 1u);
  EXPECT_EQ(conf.aliases.at("fedora"), "registry.fedoraproject.org/fedora");
  ASSERT_EQ(conf.registries.size(), 3u);
  const RegistryEntry& hub = conf.registries[0];
  EXPECT_EQ(hub.location, "hub.example:5000/lib");
  EXPECT_TRUE(hub.insecure);
  ASSERT_EQ(hub.mirrors.size(), 2u);
  EXPECT_EQ(hub.mirrors[0].pull, PullFromMirror::kDigestOnly);
  EXPECT_TRUE(hub.mirrors[0].insecure);
  EXPECT_EQ(hub.mirrors[1].pull, PullFromMirror::kAll);
  EXPECT_TRUE(conf.registries[1].blocked);
  EXPECT_EQ(conf.registries[2].prefix, "quay.io");
  EXPECT_EQ(conf.registries[2].mirrors[0].pull, PullFromMirror::kDigestOnly);
}

TEST(RegistriesConf, ALaterFileWins) {
  RegistriesConf conf = Merge(
      "unqualified-search-registries = [\"a.io\"]\n[aliases]\nx = \"a.io/x\"\ny = \"a.io/y\"\n"
      "[[registry]]\nlocation = \"a.io\"\nblocked = true\n");
  ASSERT_TRUE(MergeRegistriesConf("unqualified-search-registries = []\n[aliases]\nx = \"\"\n"
                                  "[[registry]]\nlocation = \"a.io\"\n",
                                  &conf)
                  .ok());
  EXPECT_TRUE(conf.search->empty());
  EXPECT_EQ(conf.aliases.count("x"), 0u);
  EXPECT_EQ(conf.aliases.at("y"), "a.io/y");
  ASSERT_EQ(conf.registries.size(), 1u);
  EXPECT_FALSE(conf.registries[0].blocked);
}

TEST(RegistriesConf, AFileThatWasGivenHasToBeThere) {
  RegistriesConfPaths paths;
  paths.main = ::testing::TempDir() + "/no-registries.conf";
  EXPECT_TRUE(ReadRegistriesConf(paths).ok());
  paths.main_given = true;
  const auto conf = ReadRegistriesConf(paths);
  EXPECT_EQ(base::ErrorWord(conf.status()), "E_REGISTRIES_CONF");
  EXPECT_EQ(conf.status().message(), paths.main + ": no such file");
}

TEST(RegistriesConf, WhatIsRefusedIsNamed) {
  EXPECT_EQ(Refusal("a = [\n1,,2]").substr(0, 6), "line 2");
  EXPECT_EQ(Refusal("[registries.search]\nregistries = [\"docker.io\"]"),
            "registries: is the format of version 1; rewrite it as [[registry]] tables");
  EXPECT_EQ(Refusal("short-name-mode = \"loose\""),
            "short-name-mode = \"loose\": is not enforcing, permissive or disabled");
  EXPECT_EQ(Refusal("short-name-mode = 3"), "short-name-mode: is not a string");
  EXPECT_EQ(Refusal("unqualified-search-registries = \"docker.io\""),
            "unqualified-search-registries: is not an array of strings");
  EXPECT_EQ(Refusal("unqualified-search-registries = [\"quay\"]"),
            "unqualified-search-registries = \"quay\": is not a registry");
  EXPECT_NE(Refusal("unqualified-search-registries = [\".quay.example\"]"), "");
  EXPECT_NE(Refusal("unqualified-search-registries = [\"quay.io/A\"]"), "");
  EXPECT_NE(Refusal("[^"), "");
  EXPECT_NE(Refusal("a\xc3\xa9 = 1"), "");
  EXPECT_NE(Refusal("a \xef\xbb\xb9 = 1"), "");
  EXPECT_EQ(Refusal("unqualified-search-registries = [1]"),
            "unqualified-search-registries: is not an array of strings");
  EXPECT_EQ(Refusal("registry = 1"), "registry: is not an array of tables");
  EXPECT_EQ(Refusal("[[registry]]\nblocked = \"yes\"\nlocation = \"a.io\""),
            "blocked: is not true or false");
  EXPECT_EQ(Refusal("[[registry]]\nblocked = true"),
            "a [[registry]] with neither prefix nor location");
  EXPECT_EQ(Refusal("[[registry]]\nprefix = \"a.io\""), "prefix = \"a.io\": has no location");
  EXPECT_EQ(Refusal("[[registry]]\nlocation = \"http://a.io\""),
            "location = \"http://a.io\": has a scheme");
  EXPECT_EQ(Refusal("[[registry]]\nlocation = \"a.io\"\n[[registry.mirror]]\ninsecure = true"),
            "a [[registry.mirror]] without location");
  EXPECT_EQ(Refusal("[aliases]\nx = 1"), "aliases.x: is not a string");
  for (const char* place : {"a b", "a.io/UPPER", "../x", "a.io:99999/x", "user@a.io"}) {
    Refusal(absl::StrCat("[[registry]]\nlocation = \"", place, "\""));
  }
}

}  // namespace
}  // namespace stave::registry
