// SPDX-License-Identifier: Apache-2.0
#include "libs/log/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/posix.h"
#include "libs/testutil/temp_dir.h"

namespace stave::log {
namespace {

class FilesTest : public ::testing::Test {
 protected:
  FilesTest() : folder_(*base::OpenDirAt(AT_FDCWD, dir_.path())) {}

  LogFiles Open(const LogFile* known = nullptr) {
    auto found = OpenFiles(folder_.get(), known);
    EXPECT_TRUE(found.ok()) << found.status();
    return *std::move(found);
  }
  static std::vector<std::string> Texts(const LogFiles& found) {
    std::vector<std::string> texts;
    for (const LogFile& file : found.files) {
      texts.push_back(*base::ReadAll(file.fd.get(), 100, "file"));
      EXPECT_EQ(texts.back().size(), static_cast<size_t>(file.size));
    }
    return texts;
  }
  void Rename(const std::string& from, const std::string& to) {
    ASSERT_EQ(::rename((dir_.path() + "/" + from).c_str(), (dir_.path() + "/" + to).c_str()), 0);
  }

  testutil::TempDir dir_;
  base::UniqueFd folder_;
};

using Strings = std::vector<std::string>;

TEST_F(FilesTest, AreOldestFirstAndGapsDoNotMatter) {
  EXPECT_EQ(Texts(Open()), Strings());
  dir_.Put("json.log", "newest");
  dir_.Put("json.log.1", "before");
  dir_.Put("json.log.12", "oldest");
  dir_.Put("json.log.x", "another");
  dir_.Put("json.log.0", "another");
  dir_.Put("other", "another");
  EXPECT_EQ(Texts(Open()), (Strings{"oldest", "before", "newest"}));
  ASSERT_EQ(::unlink((dir_.path() + "/json.log").c_str()), 0);
  EXPECT_EQ(Texts(Open()), (Strings{"oldest", "before"}));
}

TEST_F(FilesTest, OnlyThoseThatAreNewer) {
  dir_.Put("json.log", "one");
  const LogFiles first = Open();
  EXPECT_FALSE(IsRotated(folder_.get(), first.files[0]));
  EXPECT_EQ(Texts(Open(&first.files[0])), Strings());

  Rename("json.log", "json.log.2");
  EXPECT_FALSE(IsRotated(folder_.get(), first.files[0]));  // not yet
  dir_.Put("json.log.1", "two");
  dir_.Put("json.log", "three");

  EXPECT_TRUE(IsRotated(folder_.get(), first.files[0]));
  const LogFiles newer = Open(&first.files[0]);
  EXPECT_FALSE(newer.gap);
  EXPECT_EQ(Texts(newer), (Strings{"two", "three"}));
}

TEST_F(FilesTest, TheKnownOneThatIsGoneIsAGap) {
  dir_.Put("json.log", "one");
  const LogFiles first = Open();
  dir_.Put("new", "two");
  Rename("new", "json.log");
  EXPECT_FALSE(Open(&first.files[0]).gap);  // a log of one file
  dir_.Put("json.log.1", "three");
  EXPECT_TRUE(Open(&first.files[0]).gap);
}

TEST_F(FilesTest, WhatIsNoRegularFileIsAnError) {
  dir_.Mkdir("json.log");
  EXPECT_FALSE(OpenFiles(folder_.get(), nullptr).ok());
}

TEST(FileNameTest, HasTheNumberButForTheNewest) {
  EXPECT_EQ(FileName(0), "json.log");
  EXPECT_EQ(FileName(12), "json.log.12");
}

}  // namespace
}  // namespace stave::log
