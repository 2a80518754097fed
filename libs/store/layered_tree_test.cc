// SPDX-License-Identifier: Apache-2.0
#include "libs/store/layered_tree.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <vector>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/unique_fd.h"
#include "libs/store/test_store.h"

namespace stave::store {
namespace {

class LayeredTreeTest : public StoreTest {
 protected:
  void SetUp() override {
    for (const char* layer : {"top", "mid", "base"}) {
      MakeDir(layer);
      open_.push_back(*base::OpenDirAt(AT_FDCWD, folder() + "/" + layer));
      layers_.push_back(open_.back().get());
    }
  }
  absl::StatusOr<std::string> Look(const std::string& path) {
    return ReadLayeredFile(layers_, path, 1000);
  }
  std::string Host(const std::string& path) { return folder() + "/" + path; }

  std::vector<base::UniqueFd> open_;
  std::vector<int> layers_;
};

TEST_F(LayeredTreeTest, TheTopmostFileCounts) {
  MakeDir("base/etc");
  Write("base/etc/passwd", "base");
  Write("base/etc/group", "group");
  MakeDir("top/etc");
  Write("top/etc/passwd", "top");

  EXPECT_EQ(Look("etc/passwd").value(), "top");
  EXPECT_EQ(Look("/etc/group").value(), "group");
  EXPECT_TRUE(absl::IsNotFound(Look("etc/shadow").status()));
  EXPECT_TRUE(absl::IsNotFound(Look("etc").status()));
  EXPECT_TRUE(absl::IsNotFound(Look("etc/passwd/x").status()));
}

TEST_F(LayeredTreeTest, AFileInPlaceOfADirectoryHidesIt) {
  MakeDir("base/etc");
  Write("base/etc/passwd", "base");
  Write("mid/etc", "a file");
  EXPECT_TRUE(absl::IsNotFound(Look("etc/passwd").status()));

  MakeDir("top/etc");
  Write("top/etc/group", "group");
  EXPECT_TRUE(absl::IsNotFound(Look("etc/passwd").status()));
  EXPECT_EQ(Look("etc/group").value(), "group");
}

TEST_F(LayeredTreeTest, SymlinksStayInTheTree) {
  MakeDir("base/etc");
  MakeDir("base/private");
  Write("base/private/passwd", "inside");
  ASSERT_EQ(::symlink("/private/passwd", Host("mid/absolute").c_str()), 0);
  ASSERT_EQ(::symlink("../../../../private/passwd", Host("base/etc/passwd").c_str()), 0);
  ASSERT_EQ(::symlink("private", Host("top/link").c_str()), 0);

  EXPECT_EQ(Look("absolute").value(), "inside");
  EXPECT_EQ(Look("etc/passwd").value(), "inside");
  EXPECT_EQ(Look("link/passwd").value(), "inside");
  EXPECT_EQ(Look("link/../private/passwd").value(), "inside");
}

TEST_F(LayeredTreeTest, LoopsEnd) {
  ASSERT_EQ(::symlink("b", Host("top/a").c_str()), 0);
  ASSERT_EQ(::symlink("a", Host("base/b").c_str()), 0);

  EXPECT_EQ(Look("a").status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(LayeredTreeTest, OnlyRegularFilesWithinTheBoundAreRead) {
  ASSERT_EQ(::mkfifo(Host("top/fifo").c_str(), 0600), 0);
  Write("top/large", std::string(1001, 'x'));

  EXPECT_TRUE(absl::IsNotFound(Look("fifo").status()));
  EXPECT_EQ(base::ErrorWord(Look("large").status()), "E_LIMIT");
}

TEST_F(LayeredTreeTest, WhiteoutsHide) {
  MakeDir("base/etc");
  Write("base/etc/passwd", "base");
  MakeDir("mid/etc");
  if (::mknod(Host("mid/etc/passwd").c_str(), S_IFCHR, ::makedev(0, 0)) < 0) {
    GTEST_SKIP() << "no whiteouts here: mknod(2) is not permitted";
  }

  EXPECT_TRUE(absl::IsNotFound(Look("etc/passwd").status()));

  MakeDir("top/etc");
  Write("top/etc/passwd", "top");
  EXPECT_EQ(Look("etc/passwd").value(), "top");
  ASSERT_EQ(::mknod(Host("top/base").c_str(), S_IFCHR, ::makedev(0, 0)), 0);
  EXPECT_TRUE(absl::IsNotFound(Look("base").status()));
}

TEST_F(LayeredTreeTest, OpaqueDirectoriesHideWhatIsBelow) {
  MakeDir("base/etc");
  Write("base/etc/passwd", "base");
  MakeDir("mid/etc");
  Write("mid/etc/group", "group");
  const char* name = ::geteuid() == 0 ? "trusted.overlay.opaque" : "user.overlay.opaque";
  if (::setxattr(Host("mid/etc").c_str(), name, "y", 1, 0) < 0) {
    GTEST_SKIP() << "no attribute " << name << " here";
  }
  MakeDir("top/etc");

  EXPECT_TRUE(absl::IsNotFound(Look("etc/passwd").status()));
  EXPECT_EQ(Look("etc/group").value(), "group");
}

}  // namespace
}  // namespace stave::store
