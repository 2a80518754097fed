// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/given_mounts.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/json/parse.h"
#include "libs/oci/default_config.h"

namespace stave::oci {
namespace {

const std::string kFolder = absl::StrCat("/run/stave/containers/", std::string(64, 'a'));

json::Value Mount(absl::string_view type, absl::string_view source, absl::string_view destination) {
  return json::Value::Object({{"destination", json::Value::String(destination)},
                              {"type", json::Value::String(type)},
                              {"source", json::Value::String(source)},
                              {"options", json::Value::Strings({"rbind", "ro"})}});
}

TEST(GivenMountsTest, TheDefaultsAreNobodysWish) {
  EXPECT_TRUE(GivenMounts(DefaultConfig()).empty());
  EXPECT_TRUE(GivenMounts(json::Value()).empty());
}

TEST(GivenMountsTest, TellsBindsAndTmpfs) {
  json::Value document = DefaultConfig();
  json::Value::Elements& mounts = document.Find("mounts")->elements();
  mounts.push_back(Mount("bind", "/srv", "/data"));
  mounts.push_back(Mount("", "/srv2", "/data2"));
  mounts.push_back(json::Value::Object({{"destination", json::Value::String("/run")},
                                        {"type", json::Value::String("tmpfs")},
                                        {"source", json::Value::String("tmpfs")}}));

  const auto given = GivenMounts(document);

  ASSERT_EQ(given.size(), 3u);
  EXPECT_EQ(given[0].source, "/srv");
  EXPECT_EQ(given[0].destination, "/data");
  EXPECT_EQ(given[0].options, (std::vector<std::string>{"rbind", "ro"}));
  EXPECT_EQ(given[1].type, "bind");
  EXPECT_EQ(given[2].type, "tmpfs");
  EXPECT_EQ(given[2].destination, "/run");
}

TEST(GivenMountsTest, KnowsTheFilesOfTheContainer) {
  json::Value document = DefaultConfig();
  json::Value::Elements& mounts = document.Find("mounts")->elements();
  mounts.push_back(Mount("bind", absl::StrCat(kFolder, "/hosts"), "/etc/hosts"));
  EXPECT_TRUE(GivenMounts(document).empty());
  EXPECT_EQ(HostFileOf(document, "/etc/hosts"), absl::StrCat(kFolder, "/hosts"));
  EXPECT_EQ(HostFileOf(document, "/etc/resolv.conf"), "");

  mounts.push_back(Mount("bind", "/etc/resolv.conf", "/etc/resolv.conf"));
  EXPECT_EQ(GivenMounts(document).size(), 1u);
  EXPECT_EQ(HostFileOf(document, "/etc/resolv.conf"), "");
  mounts.push_back(Mount("bind", absl::StrCat(kFolder, "/hosts"), "/etc/hostname"));
  EXPECT_EQ(GivenMounts(document).size(), 2u);
}

TEST(GivenMountsTest, SurvivesNonsense) {
  const json::Value document = *json::Parse(
      R"({"mounts":[1,null,{"type":1,"source":{},"options":"x"},{"type":"bind"},[]]})");
  EXPECT_EQ(GivenMounts(document).size(), 1u);
  EXPECT_TRUE(GivenMounts(*json::Parse(R"({"mounts":7})")).empty());
}

}  // namespace
}  // namespace stave::oci
