// SPDX-License-Identifier: Apache-2.0
#include "libs/log/attributes.h"

#include "gtest/gtest.h"

namespace stave::log {
namespace {

TEST(AttributesTest, AreAnObjectByKey) {
  EXPECT_EQ(FormatAttributes({}), "");
  EXPECT_EQ(FormatAttributes({{"b", "2"}, {"a", "say \"1\""}}), R"({"a":"say \"1\"","b":"2"})");
}

TEST(AttributesTest, TextIsByKeyAndEscaped) {
  EXPECT_EQ(AttributesText(R"({"b":"x y","a":"1=2,3&","k/1":"\u00e9~-_."})"),
            "a=1%3D2%2C3%26,b=x+y,k%2F1=%C3%A9~-_.");
}

TEST(AttributesTest, OtherMembersAndOtherTextsAreNothing) {
  EXPECT_EQ(AttributesText(R"({"a":1,"b":"2"})"), "b=2");
  for (const char* text : {"", "[]", "x", "{\"a\":", "\"a\""}) {
    EXPECT_EQ(AttributesText(text), "") << text;
  }
}

}  // namespace
}  // namespace stave::log
