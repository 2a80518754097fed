// SPDX-License-Identifier: Apache-2.0
#include "libs/base/listing.h"

#include <fcntl.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/posix.h"
#include "libs/testutil/temp_dir.h"

namespace stave::base {
namespace {

TEST(ListingTest, AllNamesButTheTwoOfEachDirectory) {
  const testutil::TempDir dir;
  dir.Put("a", "");
  dir.Put(".hidden", "");
  dir.Mkdir("b");
  auto opened = OpenDirAt(AT_FDCWD, dir.path());
  ASSERT_TRUE(opened.ok());
  auto names = ListNames(*std::move(opened), "it");
  ASSERT_TRUE(names.ok()) << names.status();
  std::sort(names->begin(), names->end());
  EXPECT_EQ(*names, (std::vector<std::string>{".hidden", "a", "b"}));
}

TEST(ListingTest, WhatIsNoDirectoryIsAnError) { EXPECT_FALSE(ListNames(UniqueFd(), "it").ok()); }

}  // namespace
}  // namespace stave::base
