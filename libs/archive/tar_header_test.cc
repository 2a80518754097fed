// SPDX-License-Identifier: Apache-2.0
#include "libs/archive/tar_header.h"

#include <cstdio>
#include <string>

#include "gtest/gtest.h"

namespace stave::archive {
namespace {

// A block with the name "n", this magic, and `text` at 345, where prefixes are.
std::string Block(const std::string& magic, const std::string& text) {
  std::string block(kTarBlock, '\0');
  block[0] = 'n';
  block.replace(257, magic.size(), magic);
  block.replace(345, text.size(), text);
  return block;
}

TEST(TarHeaderTest, PrefixesDependOnTheDialect) {
  const std::string ustar("ustar\00000", 8), gnu("ustar  \0", 8);
  EXPECT_EQ(HeaderName(Block(ustar, "pre/fix")), "pre/fix/n");
  EXPECT_EQ(HeaderName(Block("", "pre/fix")), "n");
  EXPECT_EQ(HeaderName(Block(gnu, std::string("00000000000\00000000000001", 23))), "n");
  EXPECT_EQ(HeaderName(Block(gnu, "from/old/go")), "from/old/go/n");
  EXPECT_EQ(HeaderName(Block(gnu, "from/old/\xff")), "n");
  std::string star = Block(ustar, std::string(155, 'p'));
  star.replace(508, 4, std::string("tar\0", 4));
  EXPECT_EQ(HeaderName(star), std::string(131, 'p') + "/n");
}

TEST(TarHeaderTest, SumsSignedOrUnsigned) {
  std::string block = Block("", "\xff");
  const auto write = [&block](int sum) {
    char text[8];
    std::snprintf(text, sizeof(text), "%06o", sum);
    block.replace(148, 8, std::string(text, 7) + " ");
  };
  write('n' + 8 * ' ' + 255);
  EXPECT_TRUE(ChecksumFits(block));
  write('n' + 8 * ' ' - 1);
  EXPECT_TRUE(ChecksumFits(block));
  write('n' + 8 * ' ');
  EXPECT_FALSE(ChecksumFits(block));
}

}  // namespace
}  // namespace stave::archive
