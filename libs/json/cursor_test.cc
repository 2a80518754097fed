// SPDX-License-Identifier: Apache-2.0
#include "libs/json/cursor.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/json/parse.h"

namespace stave::json {
namespace {

using ::testing::ElementsAre;

TEST(CursorTest, ReadsTypedMembers) {
  const Value value = *Parse(R"({"a":{"s":"x","n":5,"b":true,"l":["p","q"],"z":null}})");
  const Cursor a = Cursor(value)["a"];

  EXPECT_EQ(*a["s"].String(), "x");
  EXPECT_EQ(*a["n"].Int(0, 9), 5);
  EXPECT_TRUE(*a["b"].Bool());
  EXPECT_THAT(*a["l"].Strings(), ElementsAre("p", "q"));
  EXPECT_FALSE(a["z"].exists());
  EXPECT_EQ(*a["z"].StringOr("none"), "none");
  EXPECT_FALSE(a["none"]["deeper"].exists());
}

TEST(CursorTest, ErrorsNameThePlace) {
  const Value value = *Parse(R"({"a":{"s":5,"n":50,"l":["p",1],"a/b":1,"u":"x\u0000"}})");
  const Cursor a = Cursor(value)["a"];

  EXPECT_EQ(a["s"].String().status().message(), "/a/s: a string is wanted, not number");
  EXPECT_EQ(a["n"].Int(0, 9).status().message(), "/a/n: 50 is not within 0..9");
  EXPECT_EQ(a["l"].Strings().status().message(), "/a/l/1: a string is wanted, not number");
  EXPECT_EQ(a["a/b"].Bool().status().message(), "/a/a~1b: true or false is wanted, not number");
  EXPECT_EQ(a["q"].String().status().message(), "/a/q: a string is wanted, and it is missing");
  EXPECT_EQ(base::ErrorWord(a["u"].String().status()), "E_NUL");
}

}  // namespace
}  // namespace stave::json
