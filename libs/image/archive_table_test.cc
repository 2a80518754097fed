// SPDX-License-Identifier: Apache-2.0
#include "libs/image/archive_table.h"

#include <fcntl.h>

#include <string>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/unique_fd.h"
#include "libs/image/tar_text.h"

namespace stave::image {
namespace {

absl::StatusOr<ArchiveTable> Read(const std::string& bytes) {
  const std::string path = WriteTestFile("archive.tar", bytes);
  const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return ArchiveTable::Read(fd.get());
}

TEST(ArchiveTableTest, WhereMembersLie) {
  const auto table =
      Read(MakeTar({{"a", "first"}, {"d/", "", '5'}, {"d/b", std::string(600, 'x')}}));

  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->Find("a")->offset, 512);
  EXPECT_EQ(table->Find("./a")->size, 5);
  EXPECT_EQ(table->Find("d/b")->offset, 2048);
  EXPECT_TRUE(absl::IsNotFound(table->Find("d").status()));
  EXPECT_TRUE(absl::IsNotFound(table->Find("none").status()));
}

TEST(ArchiveTableTest, TheLastOfOnePathCounts) {
  const auto table = Read(MakeTar({{"a", "first"}, {"a", "second"}}));

  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->Find("a")->size, 6);
}

TEST(ArchiveTableTest, LinksStayInside) {
  const auto table = Read(MakeTar({{"1/layer.tar", "x"},
                                   {"2/layer.tar", "", '2', "../1/layer.tar"},
                                   {"3/layer.tar", "", '1', "2/layer.tar"},
                                   {"abs", "", '2', "/1/layer.tar"}}));

  ASSERT_TRUE(table.ok()) << table.status();
  for (const char* path : {"2/layer.tar", "3/layer.tar", "abs"}) {
    ASSERT_TRUE(table->Find(path).ok()) << path;
    EXPECT_EQ(table->Find(path)->offset, 512) << path;
  }
}

TEST(ArchiveTableTest, LinksThatLeaveOrDoNotEnd) {
  EXPECT_EQ(base::ErrorWord(Read(MakeTar({{"a", "", '2', "../../etc/passwd"}})).status()),
            "E_TAR_ESCAPE");
  const auto loop = Read(MakeTar({{"a", "", '2', "b"}, {"b", "", '2', "a"}}));
  ASSERT_TRUE(loop.ok()) << loop.status();
  EXPECT_EQ(base::ErrorWord(loop->Find("a").status()), "E_TAR");
  EXPECT_EQ(base::ErrorWord(loop->Find("../../x").status()), "E_TAR_ESCAPE");
}

TEST(ArchiveTableTest, CompressedArchivesAreRefusedByName) {
  for (const char* start : {"\x1f\x8b\x08", "\x28\xb5\x2f\xfd",
                            "\xfd"
                            "7zXZ",
                            "BZh9"}) {
    EXPECT_EQ(base::ErrorWord(Read(start).status()), "E_UNSUPPORTED");
  }
}

TEST(ArchiveTableTest, WhatIsNoTar) {
  EXPECT_FALSE(Read(std::string(2000, 'x')).ok());
  EXPECT_FALSE(Read(MakeTar({{"a", std::string(5000, 'x')}}).substr(0, 3000)).ok());
}

}  // namespace
}  // namespace stave::image
