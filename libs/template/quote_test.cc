// SPDX-License-Identifier: Apache-2.0
#include "libs/template/quote.h"

#include <string>

#include "gtest/gtest.h"

namespace stave::templates {
namespace {

TEST(Quote, EscapesWhatCannotBeShown) {
  EXPECT_EQ(GoQuote("a\"b\\c'"), "\"a\\\"b\\\\c'\"");
  EXPECT_EQ(GoQuote("\a\b\t\n\v\f\r"), "\"\\a\\b\\t\\n\\v\\f\\r\"");
  EXPECT_EQ(GoQuote("\x01\x7F\xFF"), "\"\\x01\\x7f\\xff\"");
  EXPECT_EQ(GoQuote("caf\u00E9 \u200B \U0001F600"), "\"caf\u00E9 \\u200b \U0001F600\"");
  EXPECT_EQ(GoQuote("\u00E9\U0001F600", Escape::kNonAscii), "\"\\u00e9\\U0001f600\"");
}

TEST(Quote, Runes) {
  EXPECT_EQ(GoQuoteRune('x'), "'x'");
  EXPECT_EQ(GoQuoteRune('\''), "'\\''");
  EXPECT_EQ(GoQuoteRune('"'), "'\"'");
  EXPECT_EQ(GoQuoteRune(0xD800), "'\uFFFD'");
  EXPECT_EQ(NameRune('}'), "U+007D '}'");
  EXPECT_EQ(NameRune('\n'), "U+000A");
}

TEST(Quote, LiteralsAreRead) {
  EXPECT_EQ(GoUnquote("\"a\\tb\\x41\\101\\u00e9\\U0001f600\\\"\""), "a\tbAA\u00E9\U0001F600\"");
  EXPECT_EQ(GoUnquote("`a\\t\r\nb`"), "a\\t\nb");
  EXPECT_EQ(GoUnquote("\"\\xff\""), "\xFF");
  EXPECT_EQ(GoUnquoteRune("'a'"), U'a');
  EXPECT_EQ(GoUnquoteRune("'\\''"), U'\'');
  EXPECT_EQ(GoUnquoteRune("'\\u20ac'"), U'\u20AC');
}

TEST(Quote, WhatIsNoLiteralIsNone) {
  for (const char* text : {"", "\"", "a", "\"a", "'a'", "\"\\q\"", "\"\\x4\"", "\"\\400\"",
                           "\"\\ud800\"", "\"\\'\"", "\"a\"b\"", "`a`b`", "\"\\\""}) {
    EXPECT_FALSE(GoUnquote(text)) << text;
  }
  for (const char* text : {"''", "'ab'", "'\\\"'", "'", "\"a\"", "'\\x4'"}) {
    EXPECT_FALSE(GoUnquoteRune(text)) << text;
  }
}

TEST(Quote, BackQuotes) {
  EXPECT_TRUE(CanBackquote("a\tb\""));
  for (const char* text : {"`", "\n", "\x7F", "\xFF"}) EXPECT_FALSE(CanBackquote(text));
}

}  // namespace
}  // namespace stave::templates
