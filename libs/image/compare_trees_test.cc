// SPDX-License-Identifier: Apache-2.0
#include "libs/image/compare_trees.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/atomic_file.h"
#include "libs/base/posix.h"

namespace stave::image {
namespace {

using Lines = std::vector<std::string>;

class CompareTreesTest : public ::testing::Test {
 protected:
  CompareTreesTest() {
    char path[] = "/tmp/stave-trees-XXXXXX";
    folder_ = ::mkdtemp(path);
    for (const char* tree : {"/should", "/is"}) {
      EXPECT_TRUE(base::MakeDirAt(AT_FDCWD, folder_ + tree, 0755).ok());
      EXPECT_TRUE(base::MakeDirAt(AT_FDCWD, folder_ + tree + "/dir", 0755).ok());
      Put(std::string(tree) + "/dir/file", "content");
      Put(std::string(tree) + "/other", "content");
      EXPECT_EQ(::symlink("file", (folder_ + tree + "/dir/link").c_str()), 0);
    }
  }
  ~CompareTreesTest() override { (void)base::RemoveTreeAt(AT_FDCWD, folder_); }

  std::string Path(const std::string& below) const { return folder_ + below; }
  void Put(const std::string& path, const std::string& text) {
    const size_t slash = path.rfind('/');
    const auto dir = base::OpenDirAt(AT_FDCWD, folder_ + path.substr(0, slash));
    ASSERT_TRUE(base::ReplaceFileAt(dir->get(), path.substr(slash + 1), text, 0644,
                                    base::Durability::kVolatile)
                    .ok());
  }
  // Times are the same everywhere unless a test wants it otherwise.
  void SetTime(const std::string& path, time_t seconds) {
    const timespec times[2] = {{seconds, 0}, {seconds, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, Path(path).c_str(), times, AT_SYMLINK_NOFOLLOW), 0);
  }
  Comparison Compare(size_t max = 100, bool times = false) {
    const auto should = base::OpenDirAt(AT_FDCWD, Path("/should"));
    const auto is = base::OpenDirAt(AT_FDCWD, Path("/is"));
    auto compared = CompareTrees(
        should->get(), is->get(),
        [&](const std::string& path) { return !times || path != "other"; }, max);
    EXPECT_TRUE(compared.ok()) << compared.status();
    return *std::move(compared);
  }
  Lines Differences() {
    Lines lines;
    for (const Difference& one : Compare().differences) {
      lines.push_back(one.path + ": " + one.what + " [" + one.word + "]");
    }
    return lines;
  }

  std::string folder_;
};

TEST_F(CompareTreesTest, EqualTreesDoNotDiffer) { EXPECT_EQ(Differences(), Lines{}); }

TEST_F(CompareTreesTest, ContentSizeAndTarget) {
  Put("/is/dir/file", "Content");
  Put("/is/other", "more content");
  ::unlink(Path("/is/dir/link").c_str());
  ASSERT_EQ(::symlink("elsewhere", Path("/is/dir/link").c_str()), 0);

  EXPECT_EQ(
      Differences(),
      (Lines{"other: has 12 bytes instead of 7 [E_SIZE]", "dir/file: content differs [E_CONTENT]",
             "dir/link: leads to \"elsewhere\" instead of \"file\" [E_CONTENT]"}));
}

TEST_F(CompareTreesTest, MissingAndExtra) {
  (void)base::RemoveTreeAt(AT_FDCWD, Path("/is/dir"));
  Put("/is/new", "");

  EXPECT_EQ(Differences(),
            (Lines{"dir: is missing [E_MISSING]", "new: does not belong here [E_EXTRA]"}));
}

TEST_F(CompareTreesTest, TypesModesAndTimes) {
  ::unlink(Path("/is/dir/file").c_str());
  ASSERT_EQ(::mkfifo(Path("/is/dir/file").c_str(), 0644), 0);
  ASSERT_EQ(::chmod(Path("/is").c_str(), 01700), 0);
  EXPECT_EQ(Differences(), (Lines{".: mode is 1700 instead of 0755 [E_CHANGED]",
                                  "dir/file: is a FIFO instead of a file [E_CHANGED]"}));

  SetTime("/should/other", 5);
  SetTime("/is/other", 6);
  EXPECT_EQ(Compare(100, true).differences.size(), 3u);
}

TEST_F(CompareTreesTest, HardLinks) {
  for (const char* tree : {"/should", "/is"}) {
    ASSERT_EQ(::link(Path(std::string(tree) + "/other").c_str(),
                     Path(std::string(tree) + "/same").c_str()),
              0);
  }
  EXPECT_EQ(Differences(), Lines{});
  ASSERT_EQ(::link(Path("/is/dir/file").c_str(), Path("/is/x").c_str()), 0);
  ::unlink(Path("/is/same").c_str());
  ASSERT_EQ(::rename(Path("/is/x").c_str(), Path("/is/same").c_str()), 0);
  EXPECT_EQ(Differences(), (Lines{"other: has 1 links instead of 2 [E_CHANGED]",
                                  "dir/file: has 2 links instead of 1 [E_CHANGED]"}));
}

TEST_F(CompareTreesTest, Attributes) {
  if (::setxattr(Path("/is/other").c_str(), "user.x", "1", 1, 0) < 0) {
    GTEST_SKIP() << "no extended attributes here";
  }
  EXPECT_EQ(Differences(), Lines{"other: attribute user.x does not belong here [E_CHANGED]"});
  ASSERT_EQ(::setxattr(Path("/should/other").c_str(), "user.x", "2", 1, 0), 0);
  EXPECT_EQ(Differences(), Lines{"other: attribute user.x differs [E_CHANGED]"});
}

TEST_F(CompareTreesTest, ManyAreCounted) {
  for (int i = 0; i < 10; ++i) Put("/is/new" + std::to_string(i), "");

  const Comparison compared = Compare(4);

  EXPECT_EQ(compared.differences.size(), 4u);
  EXPECT_EQ(compared.more, 6u);
}

TEST_F(CompareTreesTest, DeepTrees) {
  for (const char* tree : {"/should", "/is"}) {
    std::string path = tree;
    for (int depth = 0; depth < 30; ++depth) {
      path += "/" + std::string(100, 'd');
      ASSERT_TRUE(base::MakeDirAt(AT_FDCWD, Path(path), 0755).ok());
    }
  }
  EXPECT_EQ(Differences(), Lines{});
}

}  // namespace
}  // namespace stave::image
