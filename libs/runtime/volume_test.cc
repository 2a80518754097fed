// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/volume.h"

#include <unistd.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/json/parse.h"

namespace stave::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string VolumeError(const std::string& text) {
  const auto entry = ParseVolume(text);
  return entry.ok() ? "accepted" : std::string(entry.status().message());
}

TEST(ParseVolumeTest, DefaultsToARecursivePrivateBind) {
  const auto entry = ParseVolume("/a:/b");

  ASSERT_TRUE(entry.ok());
  EXPECT_EQ(entry->source, "/a");
  EXPECT_EQ(entry->destination, "/b");
  EXPECT_THAT(entry->options, ElementsAre("rbind", "rprivate"));
}

TEST(ParseVolumeTest, TakesReadOnlyAndPropagation) {
  EXPECT_THAT(ParseVolume("/a:/b:ro,rslave")->options, ElementsAre("rbind", "ro", "rslave"));
}

TEST(ParseVolumeTest, WhatIsForOtherMachinesChangesNothing) {
  EXPECT_THAT(ParseVolume("/a:/b:cached")->options, ElementsAre("rbind", "rprivate"));
  EXPECT_THAT(ParseVolume("/a:/b:ro,delegated,nocopy")->options,
              ElementsAre("rbind", "rprivate", "ro"));
  const bool selinux = ::access("/sys/fs/selinux/enforce", F_OK) == 0;
  EXPECT_EQ(ParseVolume("/a:/b:z,Z").ok(), !selinux);
}

TEST(ParseVolumeTest, RefusesOddForms) {
  for (const char* text :
       {"a", ":/b", "a:", "/a:b", "a:/b", "/a:/b:zz", "/a:/b:ro,rw", "/a:/", "/a:/proc",
        "/a:/proc/sys", "/a:/sys", "/a:/b:/c:ro", "/a:/x/../../y", "/a:/b:"}) {
    EXPECT_THAT(VolumeError(text), HasSubstr("--volume: ")) << text;
  }
}

TEST(ParseTmpfsTest, WordsTakeDefaultsAway) {
  EXPECT_THAT(ParseTmpfs("/run")->options, ElementsAre("nosuid", "nodev", "noexec"));
  EXPECT_THAT(ParseTmpfs("/run:size=64m,exec,mode=1777")->options,
              ElementsAre("nosuid", "nodev", "size=64m", "mode=1777"));
  EXPECT_FALSE(ParseTmpfs("/run:size=10q").ok());
  EXPECT_FALSE(ParseTmpfs("run").ok());
}

TEST(AddVolumesTest, AMountComesBeforeThoseBelowIt) {
  json::Value document = *json::Parse("{}");

  ASSERT_TRUE(AddVolumes({"/tmp:/x/y//z/", "/usr:/x"}, {"/x/y"}, "", &document).ok());

  const auto& mounts = document.Find("mounts")->elements();
  EXPECT_EQ(mounts[0].Find("destination")->text(), "/x");
  EXPECT_EQ(mounts[1].Find("destination")->text(), "/x/y");
  EXPECT_EQ(mounts[2].Find("destination")->text(), "/x/y/z");
}

TEST(AddVolumesTest, RefusesTheStoreMissingSourcesAndTwins) {
  json::Value document = *json::Parse("{}");

  EXPECT_THAT(AddVolumes({"/tmp:/b"}, {}, "/tmp/store", &document).message(),
              HasSubstr("holds the store"));
  EXPECT_THAT(AddVolumes({"/nowhere-at-all:/b"}, {}, "", &document).message(),
              HasSubstr("/nowhere-at-all"));
  EXPECT_THAT(AddVolumes({"/tmp:/b", "/usr:/b"}, {}, "", &document).message(),
              HasSubstr("mounted twice"));
}

}  // namespace
}  // namespace stave::runtime
