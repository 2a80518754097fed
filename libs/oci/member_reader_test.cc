// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/member_reader.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/json/parse.h"

namespace stave::oci {
namespace {

std::string Message(const absl::Status& status) {
  EXPECT_EQ(base::ErrorWord(status), "E_X");
  return std::string(status.message());
}

TEST(MemberReaderTest, NullIsAbsent) {
  const json::Value value = *json::Parse(R"({"a":null})");
  const MemberReader reader(value, "/p", "E_X");

  EXPECT_EQ(*reader.Text("a"), "");
  EXPECT_EQ(*reader.OptionalText("a"), std::nullopt);
  EXPECT_EQ(*reader.OptionalTexts("b"), std::nullopt);
  EXPECT_TRUE(reader.Texts("a")->empty());
  EXPECT_TRUE(reader.TextMap("a")->empty());
  EXPECT_FALSE(*reader.Flag("a"));
  EXPECT_EQ(*reader.Integer("a", 1, 5, 3), 3);
  EXPECT_EQ(*reader.Object("a"), nullptr);
}

TEST(MemberReaderTest, Reads) {
  const json::Value value =
      *json::Parse(R"({"t":"x","l":["a","b"],"m":{"k":"v"},"n":{"p":{}},"f":true,"i":5})");
  const MemberReader reader(value, "", "E_X");

  EXPECT_EQ(*reader.Text("t"), "x");
  EXPECT_EQ(*reader.Texts("l"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(*reader.TextMap("m"), (TextPairs{{"k", "v"}}));
  EXPECT_EQ(*reader.Names("n"), std::vector<std::string>{"p"});
  EXPECT_TRUE(*reader.Flag("f"));
  EXPECT_EQ(*reader.Integer("i", 0, 5, 0), 5);
}

TEST(MemberReaderTest, NamesTheMember) {
  const json::Value value =
      *json::Parse(R"({"a/b":1,"l":["x",[]],"m":{"k":2},"z":"\u0000","i":6,"d":1.5})");
  const MemberReader reader(value, "/p", "E_X");

  EXPECT_EQ(Message(reader.Text("a/b").status()), "/p/a~1b: is a number, not a string");
  EXPECT_EQ(Message(reader.Texts("l").status()), "/p/l/1: is an array, not a string");
  EXPECT_EQ(Message(reader.TextMap("m").status()), "/p/m/k: is a number, not a string");
  EXPECT_EQ(Message(reader.TextMap("l").status()), "/p/l: is an array, not an object");
  EXPECT_EQ(Message(reader.Text("z").status()), "/p/z: holds a NUL character");
  EXPECT_EQ(Message(reader.Integer("i", 0, 5, 0).status()), "/p/i: 6: is not within 0..5");
  EXPECT_EQ(Message(reader.Integer("d", 0, 5, 0).status()), "/p/d: 1.5: is no integer");
  EXPECT_EQ(Message(reader.Flag("i").status()), "/p/i: is a number, not a boolean");
}

TEST(MemberReaderTest, WantsAnObject) {
  EXPECT_EQ(Message(MemberReader(json::Value::Array(), "", "E_X").CheckObject()),
            "the text: is an array, not an object");
}

}  // namespace
}  // namespace stave::oci
