// SPDX-License-Identifier: Apache-2.0
#include "libs/image/sparse_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/archive/byte_source.h"
#include "libs/archive/tar_reader.h"
#include "libs/base/posix.h"
#include "libs/base/unique_fd.h"

namespace stave::image {
namespace {

// An old GNU sparse entry "f" of `size` bytes with up to four parts.
std::string Sparse(uint64_t size, const std::string& data,
                   const std::vector<std::pair<int, int>>& parts) {
  std::string block(512, '\0');
  const auto octal = [&block](size_t offset, int digits, uint64_t value) {
    char text[24];
    std::snprintf(text, sizeof(text), "%0*lo", digits, static_cast<unsigned long>(value));
    block.replace(offset, static_cast<size_t>(digits), text);
  };
  block[0] = 'f';
  octal(100, 7, 0644);
  octal(124, 11, data.size());
  block[156] = 'S';
  block.replace(257, 8, std::string("ustar  \0", 8));
  size_t at = 386;
  for (const auto& [offset, length] : parts) {
    octal(at, 11, static_cast<uint64_t>(offset));
    octal(at + 12, 11, static_cast<uint64_t>(length));
    at += 24;
  }
  octal(483, 11, size);
  block.replace(148, 8, "        ");
  uint64_t sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  octal(148, 6, sum);
  block[154] = '\0';
  return block + data + std::string((512 - data.size() % 512) % 512, '\0');
}

class SparseFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = absl::StrCat(::testing::TempDir(), "/sparse-XXXXXX");
    file_ = base::UniqueFd(::mkstemp(name.data()));
    ASSERT_TRUE(file_.valid());
    ::unlink(name.c_str());
  }

  absl::StatusOr<uint64_t> Run(const std::string& tar) {
    archive::MemorySource source(tar, 100);
    archive::TarReader reader(&source);
    archive::TarEntry entry;
    const auto more = reader.Next(&entry);
    if (!more.ok()) return more.status();
    return WriteSparseFile(&reader, entry.size, file_.get(), "f");
  }
  std::string Text() {
    ::lseek(file_.get(), 0, SEEK_SET);
    return base::ReadAll(file_.get(), 1 << 20, "f").value_or("?");
  }

  base::UniqueFd file_;
};

TEST_F(SparseFileTest, PutsPartsIntoTheirPlaces) {
  ASSERT_TRUE(Run(Sparse(12, "abcdef", {{2, 3}, {7, 3}})).ok());

  EXPECT_EQ(Text(), std::string("\0\0abc\0\0def\0\0", 12));
}

TEST_F(SparseFileTest, NothingButAHole) {
  EXPECT_EQ(Run(Sparse(1000, "", {{1000, 0}})).value(), 0u);

  EXPECT_EQ(Text(), std::string(1000, '\0'));
}

TEST_F(SparseFileTest, HolesTakeNoDisk) {
  ASSERT_TRUE(Run(Sparse(1 << 30, "x", {{1 << 29, 1}, {1 << 30, 0}})).ok());

  struct stat st;
  ASSERT_EQ(::fstat(file_.get(), &st), 0);
  EXPECT_EQ(st.st_size, 1 << 30);
  EXPECT_LT(st.st_blocks, 1000);
}

TEST_F(SparseFileTest, CountsPages) {
  EXPECT_EQ(Run(Sparse(20000, "abc", {{0, 1}, {4095, 1}, {12288, 1}})).value(), 2u * 4096);
  EXPECT_EQ(Run(Sparse(20000, std::string(5000, 'x'), {{4000, 5000}})).value(), 3u * 4096);
}

TEST_F(SparseFileTest, SaysWhatFails) {
  file_ = base::UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));

  EXPECT_FALSE(Run(Sparse(12, "abcdef", {{2, 6}})).ok());
}

}  // namespace
}  // namespace stave::image
