// SPDX-License-Identifier: Apache-2.0
#include "libs/image/settle.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/unique_fd.h"

namespace stave::image {
namespace {

// Three layers: `new` on top of `upper` on top of `lower`. Opaque directories are marked with
// user.overlay.opaque, which needs no privilege; neither does making a whiteout.
class SettleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    top_ = absl::StrCat(::testing::TempDir(), "/settle-XXXXXX");
    ASSERT_NE(::mkdtemp(top_.data()), nullptr);
    ASSERT_EQ(::chdir(top_.c_str()), 0);
    for (const char* name : {"new", "upper", "lower"}) {
      MakeDir(name);
      layers_.push_back(base::OpenDirAt(AT_FDCWD, name).value());
    }
  }
  void TearDown() override {
    ASSERT_EQ(::chdir("/"), 0);
    EXPECT_TRUE(base::RemoveTreeAt(AT_FDCWD, top_).ok());
  }

  static void MakeDir(const std::string& path) { ASSERT_EQ(::mkdir(path.c_str(), 0755), 0); }
  static void MakeFile(const std::string& path, const std::string& text) {
    const base::UniqueFd fd(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0640));
    ASSERT_TRUE(base::WriteAll(fd.get(), text, path).ok());
  }
  static void MakeWhiteout(const std::string& path) {
    ASSERT_EQ(::mknod(path.c_str(), S_IFCHR, makedev(0, 0)), 0);
  }
  static void MarkOpaque(const std::string& path) {
    ASSERT_EQ(::setxattr(path.c_str(), "user.overlay.opaque", "y", 1, 0), 0);
  }
  static void SetTime(const std::string& path, time_t seconds) {
    const timespec times[2] = {{seconds, 0}, {seconds, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW), 0);
  }
  static struct stat Stat(const std::string& path) {
    struct stat st = {};
    EXPECT_EQ(::lstat(path.c_str(), &st), 0) << path;
    return st;
  }
  static bool Exists(const std::string& path) {
    return ::faccessat(AT_FDCWD, path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
  }

  absl::Status Run(const UnpackReport& report) {
    return Settle(layers_[0].get(), report, {layers_[1].get(), layers_[2].get()},
                  OverlayAttributes::kUser);
  }

  std::string top_;
  std::vector<base::UniqueFd> layers_;
};

TEST_F(SettleTest, MarksOpaqueDirectories) {
  MakeDir("new/d");
  UnpackReport report;
  report.opaque = {"d"};

  ASSERT_TRUE(Run(report).ok());

  char value;
  EXPECT_EQ(::getxattr("new/d", "user.overlay.opaque", &value, 1), 1);
}

TEST_F(SettleTest, AnOpaqueRootHidesNameByName) {
  for (const char* path : {"new/d", "new/own", "upper/d", "lower/deep"}) MakeDir(path);
  for (const char* path : {"new/f", "lower/f", "upper/g", "lower/gone"}) MakeFile(path, "");
  MakeWhiteout("upper/gone");
  SetTime("new", 700);
  UnpackReport report;
  report.opaque = {"."};
  ASSERT_TRUE(DependsOnLower(report));

  ASSERT_TRUE(Run(report).ok());

  char value;
  EXPECT_EQ(::getxattr("new/d", "user.overlay.opaque", &value, 1), 1);
  EXPECT_LT(::getxattr("new/own", "user.overlay.opaque", &value, 1), 0);
  for (const char* path : {"new/deep", "new/g"}) EXPECT_TRUE(S_ISCHR(Stat(path).st_mode)) << path;
  EXPECT_TRUE(S_ISREG(Stat("new/f").st_mode));
  EXPECT_FALSE(Exists("new/gone"));
  EXPECT_EQ(Stat("new").st_mtime, 700);
}

TEST_F(SettleTest, ImpliedParentsLookLikeTheTopmostLower) {
  for (const char* path : {"new/a", "new/a/b", "upper/a", "lower/a", "lower/a/b"}) MakeDir(path);
  ASSERT_EQ(::chmod("upper/a", 0711), 0);
  ASSERT_EQ(::chmod("lower/a/b", 0700), 0);
  ASSERT_EQ(::setxattr("lower/a/b", "user.note", "n", 1, 0), 0);
  SetTime("lower/a/b", 500);
  SetTime("upper/a", 600);
  UnpackReport report;
  report.implied_parents = {"a", "a/b"};

  ASSERT_TRUE(Run(report).ok());

  EXPECT_EQ(Stat("new/a").st_mode & 07777u, 0711u);
  EXPECT_EQ(Stat("new/a").st_mtime, 600);
  EXPECT_EQ(Stat("new/a/b").st_mode & 07777u, 0700u);
  EXPECT_EQ(Stat("new/a/b").st_mtime, 500);
  char value;
  EXPECT_EQ(::getxattr("new/a/b", "user.note", &value, 1), 1);
}

TEST_F(SettleTest, WhatIsHiddenGivesNoAttributes) {
  for (const char* path : {"new/a", "new/b", "upper/c", "new/c", "new/c/d", "lower/a", "lower/b",
                           "lower/c", "lower/c/d"}) {
    MakeDir(path);
  }
  for (const char* path : {"lower/a", "lower/b", "lower/c/d"}) ASSERT_EQ(::chmod(path, 0700), 0);
  MakeWhiteout("upper/a");
  MakeFile("upper/b", "");
  MarkOpaque("upper/c");
  UnpackReport report;
  report.implied_parents = {"a", "b", "c/d"};

  ASSERT_TRUE(Run(report).ok());

  for (const char* path : {"new/a", "new/b", "new/c/d"}) {
    EXPECT_EQ(Stat(path).st_mode & 07777u, 0755u) << path;
  }
}

TEST_F(SettleTest, DropsWhiteoutsThatHideNothing) {
  MakeDir("new/d");
  MakeDir("lower/d");
  MakeFile("lower/d/there", "");
  MakeFile("lower/gone", "");
  MakeWhiteout("upper/gone");
  for (const char* path : {"new/d/there", "new/d/never", "new/gone"}) MakeWhiteout(path);
  SetTime("new/d", 700);
  UnpackReport report;
  report.whiteouts = {"d/there", "d/never", "gone"};

  ASSERT_TRUE(Run(report).ok());

  EXPECT_TRUE(Exists("new/d/there"));
  EXPECT_FALSE(Exists("new/d/never"));
  EXPECT_FALSE(Exists("new/gone"));
  EXPECT_EQ(Stat("new/d").st_mtime, 700);
}

TEST_F(SettleTest, RemovesNothingButWhiteouts) {
  MakeFile("new/f", "precious");
  UnpackReport report;
  report.whiteouts = {"f"};

  EXPECT_EQ(base::ErrorWord(Run(report)), "E_REPORT");
  EXPECT_TRUE(Exists("new/f"));
}

TEST_F(SettleTest, LinksToLowerFilesAreCopies) {
  MakeDir("lower/bin");
  MakeFile("lower/bin/x", "text");
  SetTime("lower/bin/x", 800);
  ASSERT_EQ(::symlink("bin", "upper/usr"), 0);
  ASSERT_EQ(::symlink("/nowhere", "lower/bin/s"), 0);
  UnpackReport report;
  report.lower_links = {{"a", "bin/x"}, {"b", "a"}, {"c", "usr/x"}, {"s", "bin/s"}};

  ASSERT_TRUE(Run(report).ok()) << Run(report);

  EXPECT_EQ(base::ReadFileAt(AT_FDCWD, "new/a", 100).value(), "text");
  EXPECT_EQ(base::ReadFileAt(AT_FDCWD, "new/c", 100).value(), "text");
  EXPECT_EQ(Stat("new/a").st_mode & 07777u, 0640u);
  EXPECT_EQ(Stat("new/a").st_mtime, 800);
  EXPECT_EQ(Stat("new/b").st_ino, Stat("new/a").st_ino);
  EXPECT_NE(Stat("new/a").st_ino, Stat("lower/bin/x").st_ino);
  EXPECT_TRUE(S_ISLNK(Stat("new/s").st_mode));
  EXPECT_EQ(Stat("lower/bin/x").st_nlink, 1u);
}

TEST_F(SettleTest, CopiesKeepHoles) {
  constexpr off_t kSize = off_t{1} << 32;
  {
    const base::UniqueFd fd(::open("lower/f", O_CREAT | O_WRONLY | O_CLOEXEC, 0640));
    ASSERT_EQ(::ftruncate(fd.get(), kSize), 0);
    ASSERT_EQ(::pwrite(fd.get(), "middle", 6, kSize / 2), 6);
  }
  UnpackReport report;
  report.lower_links = {{"a", "f"}};

  ASSERT_TRUE(Run(report).ok());

  EXPECT_EQ(Stat("new/a").st_size, kSize);
  EXPECT_LT(Stat("new/a").st_blocks, 1000);
  const base::UniqueFd copy(::open("new/a", O_RDONLY | O_CLOEXEC));
  char text[8] = {};
  ASSERT_EQ(::pread(copy.get(), text, 7, kSize / 2), 7);
  EXPECT_STREQ(text, "middle");
}

TEST_F(SettleTest, ALinkToNothingIsRefused) {
  UnpackReport report;
  report.lower_links = {{"a", "none"}};
  EXPECT_EQ(Run(report).message(), "\"a\": hard link to \"none\", which is nowhere");
  EXPECT_EQ(base::ErrorWord(Run(report)), "E_TAR");

  MakeDir("lower/d");
  report.lower_links = {{"a", "d"}};
  EXPECT_EQ(Run(report).message(), "\"a\": hard link to \"d\", a directory");
}

TEST_F(SettleTest, LinksInTheNewLayerAreNotFollowed) {
  MakeDir("out");
  MakeFile("out/f", "precious");
  ASSERT_EQ(::symlink("../out", "new/d"), 0);
  UnpackReport report;
  report.whiteouts = {"d/f"};

  EXPECT_EQ(Run(report).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Exists("out/f"));
}

}  // namespace
}  // namespace stave::image
