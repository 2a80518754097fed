// SPDX-License-Identifier: Apache-2.0
#include "libs/json/parse.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/json/value.h"

namespace stave::json {
namespace {

using ::testing::HasSubstr;

std::string Refused(const std::string& text) {
  const auto value = Parse(text);
  if (value.ok()) return "accepted";
  return std::string(value.status().message()) + " [" + base::ErrorWord(value.status()) + "]";
}

std::string RoundTrip(const std::string& text) {
  const auto value = Parse(text);
  return value.ok() ? Print(*value) : std::string(value.status().message());
}

TEST(ParseTest, KeepsOrderAndNumberText) {
  const std::string text =
      R"({"z":1.50,"a":[1e3,-0,18446744073709551615,1E+2],"":null,"b":{"c":true,"d":"x\n\"\\"}})";

  EXPECT_EQ(RoundTrip(text), text);
}

TEST(ParseTest, KeepsUnicodeAndControlCharacters) {
  EXPECT_EQ(RoundTrip("[\"\\u00e9\\ud83d\\ude00\\u0000\\u001b\\/\"]"),
            "[\"\xC3\xA9\xF0\x9F\x98\x80\\u0000\\u001b/\"]");
}

TEST(ParseTest, NamesOffsetAndPlace) {
  EXPECT_EQ(Refused(R"({"process":{"args":["a",]}})"),
            "/process/args/1: offset 24: this is no JSON value [E_JSON]");
  EXPECT_EQ(Refused(R"({"a":{"b":1,"c":2,"b":3}})"),
            "/a/b: offset 24: the key \"b\" appears twice [E_JSON]");
  EXPECT_EQ(Refused(R"({"a":1} {})"), "offset 8: there is text after the document [E_JSON]");
  EXPECT_EQ(Refused("{"), "offset 1: the document ends too early [E_JSON]");
  EXPECT_EQ(Refused("  "), "offset 2: the document is empty [E_JSON]");
  EXPECT_EQ(Refused(std::string("{}\0x", 4)),
            "offset 2: there is text after the document [E_JSON]");
}

TEST(ParseTest, RefusesWhatIsNotJson) {
  for (const char* text :
       {"01", "1.", "NaN", "Infinity", "-", "'a'", "[1,]", "{a:1}", "\xEF\xBB\xBF{}", "[\"\x80\"]",
        "[\"\xC0\xAF\"]", "[\"\\ud800\"]", "[\"\\udc00\"]", "[\"\\x\"]", "[\"\t\"]", "tru", "//\n1",
        "[\"\xED\xA0\x80\"]"}) {
    EXPECT_THAT(Refused(text), HasSubstr("[E_JSON]")) << text;
  }
}

TEST(ParseTest, BoundsDepthValuesAndBytes) {
  EXPECT_THAT(Refused(std::string(100000, '[')), HasSubstr("nested deeper than 64 [E_LIMIT]"));
  std::string many = "[0";
  for (int i = 0; i < 200001; ++i) many += ",0";
  EXPECT_THAT(Refused(many + "]"), HasSubstr("more than 200000 values [E_LIMIT]"));
  EXPECT_THAT(Refused("\"" + std::string(5 << 20, 'a') + "\""), HasSubstr("[E_LIMIT]"));
  EXPECT_THAT(Refused("[1e309]"), HasSubstr("a number is too big [E_JSON]"));
}

TEST(ParseTest, ManyKeysCostNoSquare) {
  std::string text = "{";
  for (int i = 0; i < 150000; ++i) text += "\"k" + std::to_string(i) + "\":0,";

  EXPECT_EQ(Refused(text + "\"end\":0}"), "accepted");
  EXPECT_THAT(Refused(text + "\"k0\":0}"), HasSubstr("the key \"k0\" appears twice"));
}

TEST(PrintIndentedTest, LooksLikeJq) {
  EXPECT_EQ(PrintIndented(*Parse(R"({"a":[1,{}],"b":[]})")),
            "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
}

TEST(FindNotUtf8Test, TellsWhere) {
  EXPECT_EQ(FindNotUtf8(*Parse(R"({"a":["\u00e9",1,{"b":null}]})")), std::nullopt);
  EXPECT_EQ(FindNotUtf8(Value::Object({{"a", Value::Strings({"fine", "caf\xE9"})}})), "/a/1");
  EXPECT_EQ(FindNotUtf8(Value::Object({{"k\xFF", Value()}})), "/k\xFF");
  EXPECT_EQ(FindNotUtf8(Value::String("\xC0\x80")), "");
}

TEST(QuoteTest, ReplacesBytesThatAreNotUtf8) { EXPECT_EQ(Quote("a\xFFz"), "\"a\xEF\xBF\xBDz\""); }

}  // namespace
}  // namespace stave::json
