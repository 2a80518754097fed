// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/home.h"

#include <sys/stat.h>
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/testutil/temp_dir.h"

namespace stave::lifecycle {
namespace {

using ::testing::ElementsAre;

class HomeTest : public ::testing::Test {
 protected:
  HomeTest() {
    temp_.Mkdir("etc");
    process_.args = {"sh"};
    process_.uid = 1000;
  }

  void Write(const std::string& text) { temp_.Put("etc/passwd", text); }

  testutil::TempDir temp_;
  const std::string& root_ = temp_.path();
  runtime::Process process_;
};

TEST_F(HomeTest, IsThatOfTheUid) {
  Write("root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n");
  process_.env = {"A=b"};
  AddHome(root_, &process_);
  EXPECT_THAT(process_.env, ElementsAre("A=b", "HOME=/home/user"));
}

TEST_F(HomeTest, OneThatIsGivenStays) {
  Write("user:x:1000:1000::/home/user:/bin/sh\n");
  process_.env = {"HOME=/mine"};
  AddHome(root_, &process_);
  EXPECT_THAT(process_.env, ElementsAre("HOME=/mine"));
}

TEST_F(HomeTest, AnEmptyOneIsNone) {
  Write("user:x:1000:1000::/home/user:/bin/sh\n");
  process_.env = {"HOME=", "A=b"};
  AddHome(root_, &process_);
  EXPECT_THAT(process_.env, ElementsAre("A=b", "HOME=/home/user"));
}

TEST_F(HomeTest, IsTheRootForWhoIsNotKnown) {
  AddHome(root_, &process_);
  EXPECT_THAT(process_.env, ElementsAre("HOME=/"));
}

TEST_F(HomeTest, AFifoAndALinkOutAreNoPasswd) {
  const std::string passwd = root_ + "/etc/passwd";
  ASSERT_EQ(::mkfifo(passwd.c_str(), 0644), 0);
  AddHome(root_, &process_);
  EXPECT_THAT(process_.env, ElementsAre("HOME=/"));
  ::unlink(passwd.c_str());
  temp_.Put("outside", "user:x:1000:1000::/stolen:/bin/sh\n");
  temp_.Mkdir("inner/etc");
  ASSERT_EQ(::symlink("../../outside", (root_ + "/inner/etc/passwd").c_str()), 0);
  process_.env.clear();
  AddHome(root_ + "/inner", &process_);
  EXPECT_THAT(process_.env, ElementsAre("HOME=/"));
}

TEST_F(HomeTest, WithoutAProcessThereIsNone) {
  process_.args.clear();
  AddHome(root_, &process_);
  EXPECT_TRUE(process_.env.empty());
}

}  // namespace
}  // namespace stave::lifecycle
