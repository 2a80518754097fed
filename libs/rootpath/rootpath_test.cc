// SPDX-License-Identifier: Apache-2.0
#include "libs/rootpath/rootpath.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/posix.h"
#include "libs/base/unique_fd.h"

namespace stave::rootpath {
namespace {

class RootPathTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = absl::StrCat(::testing::TempDir(), "/rootpath-XXXXXX");
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
    outer_ = base::OpenDirAt(AT_FDCWD, name).value();
    ASSERT_EQ(::mkdirat(outer_.get(), "root", 0755), 0);
    root_ = base::OpenDirAt(outer_.get(), "root").value();
  }
  void TearDown() override { EXPECT_TRUE(base::RemoveTreeAt(AT_FDCWD, path_).ok()); }

  void Link(const char* target, const char* name) {
    ASSERT_EQ(::symlinkat(target, root_.get(), name), 0);
  }
  void Write(const char* name) {
    const base::UniqueFd fd(::openat(root_.get(), name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    ASSERT_TRUE(fd.valid());
  }
  bool Exists(const base::UniqueFd& dir, const char* name) {
    struct stat st;
    return ::fstatat(dir.get(), name, &st, AT_SYMLINK_NOFOLLOW) == 0;
  }
  static ino_t Inode(const base::UniqueFd& fd) {
    struct stat st;
    EXPECT_EQ(::fstat(fd.get(), &st), 0);
    return st.st_ino;
  }

  std::string path_;
  base::UniqueFd outer_, root_;
};

TEST_F(RootPathTest, AbsoluteLinksStayInside) {
  Write("passwd");
  Link("/", "slash");

  EXPECT_TRUE(OpenInRoot(root_.get(), "slash/passwd", O_RDONLY).ok());
  EXPECT_TRUE(OpenInRoot(root_.get(), "/passwd", O_RDONLY).ok());
}

TEST_F(RootPathTest, DotDotStaysInside) {
  Link("../../..", "up");

  auto up = OpenInRoot(root_.get(), "up", O_PATH);
  auto far_up = OpenInRoot(root_.get(), "../../up/..", O_PATH);

  ASSERT_TRUE(up.ok() && far_up.ok());
  EXPECT_EQ(Inode(*up), Inode(root_));
  EXPECT_EQ(Inode(*far_up), Inode(root_));
}

TEST_F(RootPathTest, EmptyPathIsTheRoot) {
  EXPECT_EQ(Inode(OpenInRoot(root_.get(), "", O_PATH).value()), Inode(root_));
  EXPECT_EQ(Inode(OpenBeneath(root_.get(), "/", O_PATH).value()), Inode(root_));
}

TEST_F(RootPathTest, LoopsAreRefused) {
  Link("loop", "loop");

  EXPECT_EQ(OpenInRoot(root_.get(), "loop", O_RDONLY).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(MakeDirsInRoot(root_.get(), "loop/a", 0755).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(RootPathTest, BeneathRefusesLinksAndDotDot) {
  Link(".", "self");
  Write("file");

  EXPECT_EQ(OpenBeneath(root_.get(), "self/file", O_RDONLY).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(OpenBeneath(root_.get(), "../root/file", O_RDONLY).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(OpenBeneath(root_.get(), "file", O_RDONLY).ok());
  EXPECT_TRUE(OpenBeneath(root_.get(), "self", O_PATH | O_NOFOLLOW).ok());
  EXPECT_EQ(OpenBeneath(root_.get(), "none", O_RDONLY).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(RootPathTest, BeneathTakesPathsLongerThanPathMax) {
  std::string path;
  base::UniqueFd dir = base::Duplicate(root_.get()).value();
  const std::string name(200, 'n');
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(::mkdirat(dir.get(), name.c_str(), 0755), 0);
    dir = base::OpenDirAt(dir.get(), name).value();
    absl::StrAppend(&path, "/", name);
  }

  auto deep = OpenBeneath(root_.get(), path, O_RDONLY | O_DIRECTORY);

  ASSERT_TRUE(deep.ok()) << deep.status();
  EXPECT_EQ(Inode(*deep), Inode(dir));
}

TEST_F(RootPathTest, MakesMissingDirectoriesWithTheMode) {
  const mode_t old = ::umask(077);
  auto made = MakeDirsInRoot(root_.get(), "a/b/c", 0755);
  ::umask(old);

  ASSERT_TRUE(made.ok()) << made.status();
  struct stat st;
  ASSERT_EQ(::fstatat(root_.get(), "a/b", &st, 0), 0);
  EXPECT_EQ(st.st_mode & 07777u, 0755u);
  EXPECT_EQ(Inode(MakeDirsInRoot(root_.get(), "/a/b/../b/c", 0755).value()), Inode(*made));
}

TEST_F(RootPathTest, MakesTheTargetOfADanglingLinkInside) {
  Link("/../../host/x", "out");

  ASSERT_TRUE(MakeDirsInRoot(root_.get(), "out/y", 0755).ok());

  EXPECT_TRUE(Exists(root_, "host/x/y"));
  EXPECT_FALSE(Exists(outer_, "host"));
}

TEST_F(RootPathTest, RefusesAFileInTheWay) {
  Write("file");

  const absl::Status status = MakeDirsInRoot(root_.get(), "file/x", 0755).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(), "file/x: \"file\" is not a directory");
}

TEST_F(RootPathTest, MakesAFileToMountOver) {
  ASSERT_TRUE(MakeFileInRoot(root_.get(), "/etc/hosts", 0644).ok());
  ASSERT_TRUE(MakeFileInRoot(root_.get(), "top", 0600).ok());
  Link("nowhere", "dangling");

  EXPECT_TRUE(MakeFileInRoot(root_.get(), "etc/hosts", 0644).ok());
  EXPECT_TRUE(Exists(root_, "top"));
  EXPECT_EQ(MakeFileInRoot(root_.get(), "etc", 0644).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(MakeFileInRoot(root_.get(), "dangling", 0644).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace stave::rootpath
