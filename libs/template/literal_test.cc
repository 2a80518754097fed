// SPDX-License-Identifier: Apache-2.0
#include "libs/template/literal.h"

#include <string>

#include "gtest/gtest.h"

namespace stave::templates {
namespace {

std::string Why(absl::string_view text) {
  return std::string(ParseNumber(text).status().message());
}

TEST(ParseNumber, Integers) {
  EXPECT_EQ(ParseNumber("42")->integer, 42);
  EXPECT_EQ(ParseNumber("-42")->integer, -42);
  EXPECT_EQ(ParseNumber("+42")->integer, 42);
  EXPECT_EQ(ParseNumber("0x1F")->integer, 31);
  EXPECT_EQ(ParseNumber("0o17")->integer, 15);
  EXPECT_EQ(ParseNumber("017")->integer, 15);
  EXPECT_EQ(ParseNumber("0b101")->integer, 5);
  EXPECT_EQ(ParseNumber("1_000")->integer, 1000);
  EXPECT_EQ(ParseNumber("0x_1")->integer, 1);
  EXPECT_EQ(ParseNumber("-9223372036854775808")->integer, INT64_MIN);
  EXPECT_FALSE(ParseNumber("9223372036854775808")->integer);
  EXPECT_EQ(ParseNumber("9223372036854775808")->natural, 9223372036854775808u);
}

TEST(ParseNumber, Reals) {
  EXPECT_EQ(ParseNumber("1.5")->real, 1.5);
  EXPECT_EQ(ParseNumber("-1.5e-1")->real, -0.15);
  EXPECT_EQ(ParseNumber("1e3")->integer, 1000);
  EXPECT_EQ(ParseNumber("0x1p-2")->real, 0.25);
  EXPECT_EQ(ParseNumber(".5")->real, 0.5);
  EXPECT_EQ(ParseNumber("1.")->real, 1.0);
}

TEST(ParseNumber, Characters) {
  EXPECT_EQ(ParseNumber("'a'")->integer, 97);
  EXPECT_EQ(ParseNumber("'\\n'")->integer, 10);
  EXPECT_EQ(Why("'ab'"), "malformed character constant: 'ab'");
  EXPECT_EQ(Why("''"), "invalid syntax");
  EXPECT_EQ(Why("'\\q'"), "invalid syntax");
}

TEST(ParseNumber, Errors) {
  EXPECT_EQ(Why("."), "illegal number syntax: \".\"");
  EXPECT_EQ(Why("1i"), "illegal number syntax: \"1i\"");
  EXPECT_EQ(Why("1__0"), "illegal number syntax: \"1__0\"");
  EXPECT_EQ(Why("1_"), "illegal number syntax: \"1_\"");
  EXPECT_EQ(Why("0x1.8"), "illegal number syntax: \"0x1.8\"");
  EXPECT_EQ(Why("1e999"), "illegal number syntax: \"1e999\"");
  EXPECT_EQ(Why("18446744073709551616"), "integer overflow: \"18446744073709551616\"");
  EXPECT_EQ(Why("089"), "integer overflow: \"089\"");
}

}  // namespace
}  // namespace stave::templates
