// SPDX-License-Identifier: Apache-2.0
#include "libs/base/posix.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "libs/base/unique_fd.h"

namespace stave::base {
namespace {

class RemoveTreeTest : public testing::Test {
 protected:
  RemoveTreeTest() {
    char path[] = "/tmp/stave-posix-XXXXXX";
    top_ = ::mkdtemp(path);
    fd_ = *OpenDirAt(AT_FDCWD, top_);
  }
  ~RemoveTreeTest() override { ::rmdir(top_.c_str()); }

  void Touch(int dirfd, const std::string& name) {
    EXPECT_TRUE(
        UniqueFd(::openat(dirfd, name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)).valid());
  }
  bool Exists(const std::string& name) const {
    struct stat st;
    return ::fstatat(fd_.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0;
  }
  // tree/d/d/d.., with a file in each.
  void Nest(int levels) {
    ASSERT_EQ(::mkdirat(fd_.get(), "tree", 0700), 0);
    UniqueFd at = *OpenDirAt(fd_.get(), "tree");
    for (int i = 0; i < levels; ++i) {
      Touch(at.get(), "file");
      ASSERT_EQ(::mkdirat(at.get(), "d", 0700), 0);
      at = *OpenDirAt(at.get(), "d");
    }
  }

  std::string top_;
  UniqueFd fd_;
};

TEST_F(RemoveTreeTest, RemovesAFileATreeAndNothing) {
  Touch(fd_.get(), "file");
  Nest(3);

  EXPECT_TRUE(RemoveTreeAt(fd_.get(), "file").ok());
  EXPECT_TRUE(RemoveTreeAt(fd_.get(), "tree").ok());
  EXPECT_TRUE(RemoveTreeAt(fd_.get(), "tree").ok());

  EXPECT_FALSE(Exists("file"));
  EXPECT_FALSE(Exists("tree"));
}

TEST_F(RemoveTreeTest, FollowsNoSymlink) {
  Touch(fd_.get(), "kept");
  Nest(1);
  ASSERT_EQ(::symlinkat(top_.c_str(), fd_.get(), "tree/d/link"), 0);

  EXPECT_TRUE(RemoveTreeAt(fd_.get(), "tree").ok());

  EXPECT_FALSE(Exists("tree"));
  EXPECT_TRUE(Exists("kept"));
  ::unlinkat(fd_.get(), "kept", 0);
}

TEST_F(RemoveTreeTest, ATreeMayBeDeeperThanDescriptorsReach) {
  Nest(1000);
  // The names that deep directories get on their way up may be taken.
  ASSERT_EQ(::mkdirat(fd_.get(), "tree/.deep.0", 0700), 0);
  Touch(fd_.get(), "tree/.deep.1");
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few = {256, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);

  const absl::Status removed = RemoveTreeAt(fd_.get(), "tree");

  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(removed.ok()) << removed;
  EXPECT_FALSE(Exists("tree"));
}

TEST(ExistsAtTest, AnythingThatHasTheName) {
  const std::string folder = ::testing::TempDir() + "/exists";
  ::mkdir(folder.c_str(), 0755);
  ::unlink((folder + "/link").c_str());
  ASSERT_EQ(::symlink("nowhere", (folder + "/link").c_str()), 0);
  const auto dir = OpenDirAt(AT_FDCWD, folder);

  EXPECT_TRUE(ExistsAt(dir->get(), "link"));
  EXPECT_TRUE(ExistsAt(AT_FDCWD, folder));
  EXPECT_FALSE(ExistsAt(dir->get(), "nowhere"));
  EXPECT_FALSE(ExistsAt(-1, folder));
}

// Node and ssh hand such pipes on.
TEST(PipeTest, ANonBlockingPipeIsWaitedFor) {
  const std::string text(300000, 'x');  // more than a pipe holds
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  absl::Status written;
  std::thread other([&] {
    written = WriteAll(writer.get(), text, "pipe");
    writer.Reset();
  });

  const auto read = ReadAll(reader.get(), text.size(), "pipe");

  other.join();
  EXPECT_TRUE(written.ok()) << written;
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, text);
}

// What lies below a descriptor may have been put there by somebody else.
TEST_F(RemoveTreeTest, NoLinkBelowADescriptorIsFollowed) {
  ASSERT_TRUE(MakeDirAt(fd_.get(), "real", 0700).ok());
  ASSERT_TRUE(MakeDirAt(fd_.get(), "real/inner", 0700).ok());
  Touch(fd_.get(), "real/precious");
  ASSERT_EQ(::symlinkat("real", fd_.get(), "link"), 0);
  ASSERT_EQ(::symlinkat("precious", fd_.get(), "real/name"), 0);

  EXPECT_FALSE(OpenDirAt(fd_.get(), "link").ok());
  EXPECT_FALSE(OpenDirAt(fd_.get(), "link/inner").ok());
  EXPECT_FALSE(OpenDirAt(fd_.get(), "..").ok());
  EXPECT_FALSE(ReadFileAt(fd_.get(), "link/precious", 9).ok());
  EXPECT_FALSE(ReadFileAt(fd_.get(), "real/name", 9).ok());
  EXPECT_FALSE(MakeDirAt(fd_.get(), "link", 0700).ok());
  EXPECT_FALSE(MakeDirAt(fd_.get(), "link/more", 0700).ok());
  EXPECT_FALSE(RemoveTreeAt(fd_.get(), "link/precious").ok());
  EXPECT_FALSE(RemoveTreeAt(fd_.get(), "link/inner").ok());
  EXPECT_TRUE(Exists("real/precious"));
  EXPECT_TRUE(Exists("real/inner"));
  EXPECT_FALSE(Exists("real/more"));

  EXPECT_TRUE(RemoveTreeAt(fd_.get(), "link").ok());
  EXPECT_TRUE(Exists("real/precious"));
  EXPECT_TRUE(RemoveTreeAt(fd_.get(), "real").ok());
}

}  // namespace
}  // namespace stave::base
