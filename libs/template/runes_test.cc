// SPDX-License-Identifier: Apache-2.0
#include "libs/template/runes.h"

#include <string>

#include "gtest/gtest.h"

namespace stave::templates {
namespace {

TEST(Runes, WhatIsWrittenIsRead) {
  for (const char32_t rune : {U'a', U'\u00E9', U'\u20AC', U'\U0001F600', char32_t{0x10FFFF}}) {
    std::string text;
    AppendRune(rune, &text);
    const Rune first = FirstRune(text);
    EXPECT_EQ(first.value, rune);
    EXPECT_EQ(first.size, text.size());
    EXPECT_FALSE(first.invalid);
  }
}

TEST(Runes, BytesThatAreNotUtf8AreOneErrorEach) {
  for (const char* text : {"\x80", "\xC3", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80",
                           "\xF4\x90\x80\x80", "\xFF", "\xE2\x82"}) {
    const Rune first = FirstRune(text);
    EXPECT_TRUE(first.invalid) << text;
    EXPECT_EQ(first.size, 1u);
    EXPECT_EQ(first.value, kRuneError);
  }
  EXPECT_EQ(FirstRune("").size, 0u);
  std::string text;
  AppendRune(0xD800, &text);
  AppendRune(0x110000, &text);
  EXPECT_EQ(text, "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Runes, AreCountedAndCut) {
  EXPECT_EQ(RuneCount("a\u00E9\xFF"), 3u);
  EXPECT_EQ(FirstRunes("a\u00E9b", 2), "a\u00E9");
  EXPECT_EQ(FirstRunes("ab", 9), "ab");
}

TEST(Runes, Classes) {
  for (const char32_t letter : {U'a', U'Z', U'0', U'_', U'\u00E9', U'\u4E2D', U'\u0431'}) {
    EXPECT_TRUE(IsLetterOrDigit(letter)) << static_cast<unsigned>(letter);
  }
  for (const char32_t other : {U'-', U'\u00D7', U'\u2026', U'\U0001F600', char32_t{0x110000}}) {
    EXPECT_FALSE(IsLetterOrDigit(other)) << static_cast<unsigned>(other);
  }
  EXPECT_TRUE(IsPrintable(U' '));
  EXPECT_TRUE(IsPrintable(U'\u2026'));
  for (const char32_t hidden : {U'\n', char32_t{0x7F}, char32_t{0x9B}, U'\u202E', U'\uFEFF'}) {
    EXPECT_FALSE(IsPrintable(hidden)) << static_cast<unsigned>(hidden);
  }
}

TEST(Runes, Case) {
  const std::u32string lower = U"az\u00E9\u0101\u013A\u03B1\u0431\u0451\u00FF";
  const std::u32string upper = U"AZ\u00C9\u0100\u0139\u0391\u0411\u0401\u0178";
  for (size_t i = 0; i < lower.size(); ++i) {
    EXPECT_EQ(ToUpper(lower[i]), upper[i]) << i;
    EXPECT_EQ(ToLower(upper[i]), lower[i]) << i;
    EXPECT_EQ(ToUpper(upper[i]), upper[i]) << i;
    EXPECT_EQ(ToLower(lower[i]), lower[i]) << i;
  }
}

}  // namespace
}  // namespace stave::templates
