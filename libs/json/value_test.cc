// SPDX-License-Identifier: Apache-2.0
#include "libs/json/value.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/json/parse.h"

namespace stave::json {
namespace {

int64_t Integer(const char* text) {
  const auto number = Value::NumberText(text).AsInt64();
  return number.ok() ? *number : -99;
}

TEST(ValueTest, SetKeepsThePlaceOfAMember) {
  Value document = *Parse(R"({"a":1,"b":2,"c":3})");

  document.Set("b", Value::String("x"));
  document.Set("d", Value());

  EXPECT_EQ(Print(document), R"({"a":1,"b":"x","c":3,"d":null})");
}

TEST(ValueTest, MakeBuildsObjectsOnTheWay) {
  Value document = *Parse(R"({"linux":{"x":1}})");

  document.Make({"linux", "resources", "memory"}).Set("limit", Value::Number(64));

  EXPECT_EQ(Print(document), R"({"linux":{"x":1,"resources":{"memory":{"limit":64}}}})");
}

TEST(ValueTest, FindsAlongAPath) {
  const Value document = *Parse(R"({"a":{"b":[1]}})");

  EXPECT_NE(document.Find({"a", "b"}), nullptr);
  EXPECT_EQ(document.Find({"a", "b", "c"}), nullptr);
  EXPECT_EQ(document.Find({"x", "b"}), nullptr);
}

TEST(ValueTest, RemoveTellsWhetherItWasThere) {
  Value document = *Parse(R"({"a":1,"b":2})");

  EXPECT_TRUE(document.Remove("a"));
  EXPECT_FALSE(document.Remove("a"));
  EXPECT_EQ(Print(document), R"({"b":2})");
}

TEST(ValueTest, IntegersInEverySpelling) {
  EXPECT_EQ(Integer("5"), 5);
  EXPECT_EQ(Integer("-1"), -1);
  EXPECT_EQ(Integer("5.0"), 5);
  EXPECT_EQ(Integer("5e3"), 5000);
  EXPECT_EQ(Integer("9007199254740993"), 9007199254740993);
}

TEST(ValueTest, JqsUnlimitedReadsAsMinusOne) {
  EXPECT_EQ(Integer("18446744073709551615"), -1);
  EXPECT_EQ(Integer("18446744073709552000"), -1);
  EXPECT_EQ(Integer("9223372036854775807"), -1);
  EXPECT_EQ(Integer("9223372036854775000"), 9223372036854775000);
  EXPECT_EQ(Integer("9223372036854776000"), -1);
}

TEST(ValueTest, WhatIsNoIntegerIsRefused) {
  for (const char* text : {"1.5", "1e999", "1e300", "-1e19"}) EXPECT_EQ(Integer(text), -99) << text;
  EXPECT_FALSE(Value::String("1").AsInt64().ok());
}

}  // namespace
}  // namespace stave::json
