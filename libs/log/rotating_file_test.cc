// SPDX-License-Identifier: Apache-2.0
#include "libs/log/rotating_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "libs/base/posix.h"
#include "libs/testutil/temp_dir.h"

namespace stave::log {
namespace {

class RotatingFileTest : public ::testing::Test {
 protected:
  RotatingFile Open(int64_t max_size, int max_files) {
    const auto folder = base::OpenDirAt(AT_FDCWD, dir_.path());
    auto file = RotatingFile::Open(folder->get(), {max_size, max_files});
    EXPECT_TRUE(file.ok()) << file.status();
    return *std::move(file);
  }
  bool Exists(const std::string& name) const {
    return ::access((dir_.path() + "/" + name).c_str(), F_OK) == 0;
  }
  std::string Get(const std::string& name) const {
    return Exists(name) ? dir_.Get(name) : "(none)";
  }

  testutil::TempDir dir_;
};

TEST_F(RotatingFileTest, AppendsToWhatIsThere) {
  dir_.Put("json.log", "old\n");
  RotatingFile file = Open(-1, 1);

  file.Append("one\ntwo\n");

  EXPECT_EQ(Get("json.log"), "old\none\ntwo\n");
  EXPECT_EQ(file.loss().lines, 0u);
}

TEST_F(RotatingFileTest, IsForItsOwnerOnly) {
  Open(-1, 1);
  struct stat st;
  ASSERT_EQ(::stat((dir_.path() + "/json.log").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0600u);
}

TEST_F(RotatingFileTest, RotatesBetweenLinesAndKeepsToTheSize) {
  RotatingFile file = Open(8, 3);

  file.Append("aaa\nbbb\nccc\n");
  EXPECT_EQ(Get("json.log.1"), "aaa\nbbb\n");
  EXPECT_EQ(Get("json.log"), "ccc\n");
  file.Append("dddd\n");
  EXPECT_EQ(Get("json.log.1"), "ccc\n");
  EXPECT_EQ(Get("json.log.2"), "aaa\nbbb\n");
  file.Append("ee\n");
  EXPECT_EQ(Get("json.log"), "dddd\nee\n");
  file.Append("f\n");
  EXPECT_EQ(Get("json.log.2"), "ccc\n");
  EXPECT_FALSE(Exists("json.log.3"));
}

TEST_F(RotatingFileTest, ALineThatIsTooLongHasAFileOfItsOwn) {
  RotatingFile file = Open(4, 3);
  file.Append("a\nlonger than that\nb\n");
  EXPECT_EQ(Get("json.log.2"), "a\n");
  EXPECT_EQ(Get("json.log.1"), "longer than that\n");
  EXPECT_EQ(Get("json.log"), "b\n");
}

TEST_F(RotatingFileTest, OneFileBeginsAnew) {
  RotatingFile file = Open(8, 1);
  file.Append("aaa\nbbb\nccc\n");
  EXPECT_EQ(Get("json.log"), "ccc\n");
  EXPECT_FALSE(Exists("json.log.1"));
}

TEST_F(RotatingFileTest, FilesAboveTheNumberGo) {
  for (const char* name : {"json.log", "json.log.1", "json.log.2", "json.log.3"}) {
    dir_.Put(name, "x\n");
  }
  Open(8, 2);
  EXPECT_TRUE(Exists("json.log.1"));
  EXPECT_FALSE(Exists("json.log.2"));
  EXPECT_FALSE(Exists("json.log.3"));
}

TEST_F(RotatingFileTest, AGapIsFilledBeforeAnythingGoes) {
  dir_.Put("json.log", "newest\n");
  dir_.Put("json.log.2", "oldest\n");
  RotatingFile file = Open(8, 3);
  file.Append("next\n");
  EXPECT_EQ(Get("json.log"), "next\n");
  EXPECT_EQ(Get("json.log.1"), "newest\n");
  EXPECT_EQ(Get("json.log.2"), "oldest\n");
}

TEST_F(RotatingFileTest, ATornLineIsEnded) {
  dir_.Put("json.log", "whole\nto");
  RotatingFile file = Open(-1, 1);
  file.Append("next\n");
  EXPECT_EQ(Get("json.log"), "whole\nto\nnext\n");
}

TEST_F(RotatingFileTest, OneThatWasEmptiedByHandIsFilledAgain) {
  RotatingFile file = Open(8, 2);
  file.Append("aaa\nbbb\n");
  dir_.Put("json.log", "");
  file.Append("ccc\n");
  EXPECT_EQ(Get("json.log"), "ccc\n");
  EXPECT_FALSE(Exists("json.log.1"));
}

// As a full disk: what does not fit is lost, and nothing is torn.
TEST_F(RotatingFileTest, WhatCannotBeStoredIsLostAndCounted) {
  RotatingFile file = Open(-1, 1);
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto ignored = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {10, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);

  file.Append("aaaa\nbbbb\ncccc\ndddd\n");
  file.Append("eeee\n");
  const Loss full = file.loss();
  file.SetLoss(Loss());
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, ignored);
  file.Append("ffff\n");

  EXPECT_EQ(full.lines, 3u);
  EXPECT_EQ(full.error, EFBIG);
  EXPECT_EQ(file.loss().lines, 0u);
  EXPECT_EQ(Get("json.log"), "aaaa\nbbbb\nffff\n");
}

TEST_F(RotatingFileTest, AFolderThatHasGoneLosesTheLines) {
  dir_.Mkdir("gone");
  const auto folder = base::OpenDirAt(AT_FDCWD, dir_.path() + "/gone");
  auto file = RotatingFile::Open(folder->get(), {4, 2});
  ASSERT_TRUE(base::RemoveTreeAt(AT_FDCWD, dir_.path() + "/gone").ok());
  file->Append("aaa\nbbb\n");
  EXPECT_EQ(file->loss().lines, 1u);  // the first went into the file that nobody can see
  EXPECT_EQ(file->loss().error, ENOENT);
}

TEST_F(RotatingFileTest, OneThatCannotBeMadeNowIsMadeLater) {
  const auto folder = base::OpenDirAt(AT_FDCWD, dir_.path());
  const auto next = base::Duplicate(folder->get());
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit one_more = {static_cast<rlim_t>(next->get() + 2), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &one_more), 0);

  auto file = RotatingFile::Open(folder->get(), {});  // which takes that one for the folder
  const bool is_open = file.ok();
  if (is_open) file->Append("lost\n");
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);

  ASSERT_TRUE(is_open) << file.status();
  EXPECT_EQ(file->loss().lines, 1u);
  EXPECT_EQ(file->loss().error, EMFILE);
  file->Append("stored\n");
  EXPECT_EQ(Get("json.log"), "stored\n");
}

TEST_F(RotatingFileTest, RefusesWhatIsNoRegularFile) {
  const auto folder = base::OpenDirAt(AT_FDCWD, dir_.path());
  dir_.Put("elsewhere", "x\n");
  ASSERT_EQ(::symlink("elsewhere", (dir_.path() + "/json.log").c_str()), 0);
  EXPECT_FALSE(RotatingFile::Open(folder->get(), {}).ok());
  ASSERT_EQ(::unlink((dir_.path() + "/json.log").c_str()), 0);
  ASSERT_EQ(::mkfifo((dir_.path() + "/json.log").c_str(), 0600), 0);
  EXPECT_FALSE(RotatingFile::Open(folder->get(), {}).ok());
  EXPECT_EQ(Get("elsewhere"), "x\n");
}

}  // namespace
}  // namespace stave::log
