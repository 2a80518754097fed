// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/root_user.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/unique_fd.h"
#include "libs/testutil/temp_dir.h"

namespace stave::runtime {
namespace {

class RootUserTest : public ::testing::Test {
 protected:
  RootUserTest() : root_(*base::OpenDirAt(AT_FDCWD, dir_.path())) { dir_.Mkdir("etc"); }

  testutil::TempDir dir_;
  base::UniqueFd root_;
};

TEST_F(RootUserTest, NamesAreThoseOfTheRoot) {
  dir_.Put("etc/passwd", "app:x:1001:1002::/home/app:/bin/sh\n");
  dir_.Put("etc/group", "app:x:1002:\nextra:x:2000:app\n");

  const auto user = ResolveUserInRoot(root_.get(), "app");

  ASSERT_TRUE(user.ok()) << user.status();
  EXPECT_EQ(user->uid, 1001u);
  EXPECT_EQ(user->gid, 1002u);
  EXPECT_EQ(user->additional_gids, (std::vector<uint32_t>{1002, 2000}));
  EXPECT_EQ(user->home, "/home/app");
}

TEST_F(RootUserTest, FilesThatAreNotThereAreEmpty) {
  EXPECT_EQ(ResolveUserInRoot(root_.get(), "7:8")->gid, 8u);
  EXPECT_EQ(base::ErrorWord(ResolveUserInRoot(root_.get(), "root").status()), "E_USER");
}

TEST_F(RootUserTest, WhatIsNoFileIsEmptyAndNoLinkLeadsOut) {
  ASSERT_EQ(::mkfifoat(root_.get(), "etc/group", 0644), 0);
  ASSERT_EQ(::symlinkat("/etc/own", root_.get(), "etc/passwd"), 0);
  dir_.Put("etc/own", "app:x:1001:1002::/:/bin/sh\n");

  EXPECT_EQ(ResolveUserInRoot(root_.get(), "app")->uid, 1001u);
}

TEST_F(RootUserTest, AFileIsBounded) {
  dir_.Put("etc/passwd", std::string(oci::kMaxUserFile + 1, '#'));

  EXPECT_EQ(base::ErrorWord(ResolveUserInRoot(root_.get(), "1").status()), "E_LIMIT");
}

}  // namespace
}  // namespace stave::runtime
