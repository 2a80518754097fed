// SPDX-License-Identifier: Apache-2.0
//
// What needs no privilege: everything belongs to the caller. tests/root/unpack_test.py has the
// hostile layers, owners, devices and the comparison with other tars.

#include "libs/image/unpack.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/archive/byte_source.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/unique_fd.h"
#include "libs/oci/digest.h"

namespace stave::image {
namespace {

using Paths = std::vector<std::string>;

std::string Entry(const std::string& name, char type, int mode, const std::string& data,
                  const std::string& link) {
  std::string block(512, '\0');
  const auto octal = [&block](size_t offset, int digits, uint64_t value) {
    char text[24];
    std::snprintf(text, sizeof(text), "%0*lo", digits, static_cast<unsigned long>(value));
    block.replace(offset, static_cast<size_t>(digits), text);
  };
  block.replace(0, name.size(), name);
  octal(100, 7, static_cast<uint64_t>(mode));
  octal(108, 7, ::getuid());
  octal(116, 7, ::getgid());
  octal(124, 11, data.size());
  octal(136, 11, 1000);
  block[156] = type;
  block.replace(157, link.size(), link);
  block.replace(257, 8, std::string("ustar\00000", 8));
  block.replace(148, 8, "        ");
  uint64_t sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  octal(148, 6, sum);
  block[154] = '\0';
  return block + data + std::string((512 - data.size() % 512) % 512, '\0');
}
std::string File(const std::string& name, const std::string& data) {
  return Entry(name, '0', 0640, data, "");
}
std::string Dir(const std::string& name, int mode) { return Entry(name, '5', mode, "", ""); }
std::string Symlink(const std::string& name, const std::string& to) {
  return Entry(name, '2', 0777, "", to);
}
std::string HardLink(const std::string& name, const std::string& to) {
  return Entry(name, '1', 0, "", to);
}

class UnpackTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ::umask(0);
    top_ = absl::StrCat(::testing::TempDir(), "/unpack-XXXXXX");
    ASSERT_NE(::mkdtemp(top_.data()), nullptr);
    ASSERT_EQ(::chdir(top_.c_str()), 0);
    ASSERT_EQ(::mkdir("root", 0755), 0);
    ASSERT_EQ(::chdir("root"), 0);
    root_ = base::OpenDirAt(AT_FDCWD, ".").value();
  }
  void TearDown() override {
    ASSERT_EQ(::chdir("/"), 0);
    EXPECT_TRUE(base::RemoveTreeAt(AT_FDCWD, top_).ok());
  }

  absl::StatusOr<UnpackReport> Run(const std::string& tar) {
    archive::MemorySource source(tar, 1000);
    return Unpack(&source, root_.get(), UnpackLimits());
  }
  static std::string Text(const std::string& path) {
    return base::ReadFileAt(AT_FDCWD, path, 1 << 20).value_or("?");
  }
  static struct stat Stat(const std::string& path) {
    struct stat st = {};
    EXPECT_EQ(::lstat(path.c_str(), &st), 0) << path;
    return st;
  }

  std::string top_;
  base::UniqueFd root_;
};

TEST_F(UnpackTest, SetsModesAndTimes) {
  const std::string tar = Dir("./", 0711) + Dir("d/", 0500) + File("d/f", "text");

  const auto report = Run(tar);

  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(Text("d/f"), "text");
  EXPECT_EQ(Stat("d/f").st_mode & 07777u, 0640u);
  EXPECT_EQ(Stat("d").st_mode & 07777u, 0500u);
  EXPECT_EQ(Stat(".").st_mode & 07777u, 0711u);
  for (const char* path : {".", "d", "d/f"}) EXPECT_EQ(Stat(path).st_mtime, 1000) << path;
  EXPECT_EQ(report->diff_id, oci::DigestOf(tar).ToString());
  EXPECT_EQ(report->bytes, tar.size());
  EXPECT_EQ(report->file_bytes, 4u);
  EXPECT_EQ(report->entries, 3u);
  EXPECT_TRUE(report->root_named);
  EXPECT_FALSE(DependsOnLower(*report));
  ASSERT_EQ(::chmod("d", 0700), 0);
}

TEST_F(UnpackTest, ReportsWhatDependsOnLower) {
  const auto report = Run(File("a/b/f", "") + File("a/.wh.x", "") + File("c/.wh..wh..opq", "") +
                          HardLink("h", "bin/sh") + Dir("a/", 0755));

  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->implied_parents, (Paths{"a/b", "c"}));
  EXPECT_EQ(report->whiteouts, (Paths{"a/x"}));
  EXPECT_EQ(report->opaque, (Paths{"c"}));
  ASSERT_EQ(report->lower_links.size(), 1u);
  EXPECT_EQ(report->lower_links[0].second, "bin/sh");
  EXPECT_TRUE(S_ISCHR(Stat("a/x").st_mode));
  EXPECT_FALSE(report->root_named);
}

TEST_F(UnpackTest, AWhitedOutDirectoryThatComesBackIsOpaque) {
  const auto report = Run(Dir("d/", 0755) + File("d/f", "") + File(".wh.d", ""));

  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->opaque, (Paths{"d"}));
  EXPECT_TRUE(report->whiteouts.empty());
}

TEST_F(UnpackTest, NothingIsHiddenBelowWhatIsOpaque) {
  const auto report = Run(File("d/e/f", "") + File("d/e/.wh.x", "") + File("d/.wh.y", "") +
                          File(".wh.d", "") + File("o/.wh..wh..opq", "") + File("o/p/.wh.z", ""));

  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->opaque, (Paths{"d", "o"}));
  EXPECT_EQ(report->implied_parents, (Paths{"o"}));
  EXPECT_TRUE(report->whiteouts.empty());
  for (const char* path : {"d/e/x", "d/y", "o/p/z"}) {
    EXPECT_EQ(::faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW), -1) << path;
  }
}

TEST_F(UnpackTest, SymlinkParentsStayInside) {
  ASSERT_TRUE(Run(Symlink("a", "../../out") + File("a/f", "in")).ok());

  EXPECT_EQ(Text("out/f"), "in");
}

TEST_F(UnpackTest, TheLastEntryWins) {
  ASSERT_TRUE(Run(Dir("a/", 0755) + File("a/x/y", "") + File("a", "1") + File("b", "1") +
                  HardLink("c", "b") + File("b", "2"))
                  .ok());

  EXPECT_EQ(Text("a"), "1");
  EXPECT_EQ(Text("b"), "2");
  EXPECT_EQ(Text("c"), "1");
}

TEST_F(UnpackTest, MoreDirectoriesThanOpenDescriptors) {
  std::string tar;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 200; ++i) {
      absl::StrAppend(&tar, File(absl::StrCat("d", i, "/e/f", round), absl::StrCat(i)));
    }
  }

  const auto report = Run(tar);

  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->implied_parents.size(), 400u);
  EXPECT_EQ(Text("d199/e/f0"), "199");
  EXPECT_EQ(Text("d0/e/f1"), "0");
}

TEST_F(UnpackTest, ErrorsNameTheEntry) {
  const auto status = Run(File("a", "") + File("a/\x1b", "")).status();

  EXPECT_EQ(status.message(), "\"a/\\x1b\": \"a\" is not a directory");
  EXPECT_EQ(base::ErrorWord(status), "E_TAR");
}

TEST_F(UnpackTest, LimitsHold) {
  const std::string tar = File("a", std::string(5000, 'x')) + File("b", "");
  archive::MemorySource one(tar, 1000), two(tar, 1000);

  EXPECT_EQ(base::ErrorWord(Unpack(&one, root_.get(), {.bytes = 4000}).status()), "E_LIMIT");
  EXPECT_EQ(base::ErrorWord(Unpack(&two, root_.get(), {.entries = 1}).status()), "E_LIMIT");
}

}  // namespace
}  // namespace stave::image
