// SPDX-License-Identifier: Apache-2.0
#include "libs/json/utf8.h"

#include "gtest/gtest.h"

namespace stave::json {
namespace {

TEST(IsUtf8Test, KnowsWhatIsNot) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x90\xB3"));
  for (const char* bad :
       {"\xFF", "\xC3", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82"}) {
    EXPECT_FALSE(IsUtf8(bad)) << bad;
  }
}

TEST(ToUtf8Test, TextStaysAsItIs) {
  const Utf8Text same = ToUtf8("caf\xC3\xA9 \xEF\xBF\xBD");

  EXPECT_EQ(same.text, "caf\xC3\xA9 \xEF\xBF\xBD");
  EXPECT_EQ(same.bytes, "");
}

TEST(ToUtf8Test, WhatIsReplacedIsKeptBeside) {
  const Utf8Text made = ToUtf8("/a\xFFz\xC3");

  EXPECT_EQ(made.text, "/a\xEF\xBF\xBDz\xEF\xBF\xBD");
  EXPECT_EQ(made.bytes, "ffc3");
}

// Else nobody could tell which of the two was the byte.
TEST(ToUtf8Test, AReplacementThatWasThereIsOneOfThem) {
  const Utf8Text made = ToUtf8("\xEF\xBF\xBD\xFF");

  EXPECT_EQ(made.text, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(made.bytes, "efbfbdff");
}

}  // namespace
}  // namespace stave::json
