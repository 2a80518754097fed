// SPDX-License-Identifier: Apache-2.0
#include "libs/template/printf.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace stave::templates {
namespace {

std::string Printf(absl::string_view format, const std::vector<Value>& values) {
  return Sprintf(format, values).value_or("too long");
}

Value Row() {
  auto type = std::make_shared<StructType>();
  type->name = "x.Row";
  type->fields = {"A", "B"};
  return Value::Struct(type, {Value::Int(1), Value::String("b")});
}

TEST(Sprint, SpacesOnlyBetweenWhatAreNoStrings) {
  const std::vector<Value> values = {Value::Int(1), Value::Int(2),     Value::String("a"),
                                     Value::Int(3), Value::Bool(true), Value()};
  EXPECT_EQ(*Sprint(values), "1 2a3 true <nil>");
  EXPECT_EQ(*Sprintln({Value::Int(1), Value::String("a")}), "1 a\n");
}

TEST(Sprintf, Verbs) {
  EXPECT_EQ(Printf("%v|%s|%q|%d|%x|%t|%f",
                   {Value::Int(1), Value::String("s"), Value::String("q"), Value::Int(4),
                    Value::String("x"), Value::Bool(true), Value::Float(1.5)}),
            "1|s|\"q\"|4|78|true|1.500000");
  EXPECT_EQ(Printf("%5d|%-10s|%05d|%+d|%T", {Value::Int(1), Value::String("s"), Value::Int(2),
                                             Value::Int(3), Value::String("")}),
            "    1|s         |00002|+3|string");
  EXPECT_EQ(Printf("100%%", {}), "100%");
}

TEST(Sprintf, Composites) {
  const Value list = Value::List({Value::Int(1), Value(), Value::String("a")});
  EXPECT_EQ(Printf("%v", {list}), "[1 <nil> a]");
  EXPECT_EQ(Printf("%#v", {list}), "[]interface {}{1, interface {}(nil), \"a\"}");
  EXPECT_EQ(Printf("%q", {Value::Strings({"a", "b"})}), "[\"a\" \"b\"]");
  EXPECT_EQ(Printf("%d", {Value::Strings({"a"})}), "[%!d(string=a)]");
  EXPECT_EQ(Printf("%v", {Value::Map({{"b", Value::Int(1)}, {"a", Value::Int(2)}})}),
            "map[a:2 b:1]");
  EXPECT_EQ(Printf("%v %+v %#v", {Row(), Row(), Row()}), "{1 b} {A:1 B:b} x.Row{A:1, B:\"b\"}");
  EXPECT_EQ(Printf("%#v", {Value::Strings({}).AsNil()}), "[]string(nil)");
  EXPECT_EQ(Printf("%v %s", {Value::NilPointer("*x"), Value::NilPointer("*x")}),
            "<nil> %!s(*x=<nil>)");
}

TEST(AppendShown, IsWhatATemplateShows) {
  auto type = std::make_shared<StructType>();
  type->name = "*x.Row";
  std::string out;
  AppendShown(Value::Struct(type, Value::Elements()), &out);
  AppendShown(Value(), &out);
  AppendShown(Row(), &out);
  EXPECT_EQ(out, "{}<no value>{1 b}");
  EXPECT_EQ(Printf("%v", {Value::Struct(type, Value::Elements())}), "&{}");
}

TEST(Sprintf, WhatDoesNotFitIsSaid) {
  EXPECT_EQ(Printf("%d %s", {Value::String("a")}), "%!d(string=a) %!s(MISSING)");
  EXPECT_EQ(Printf("%s", {Value::Int(1), Value::String("x"), Value()}),
            "%!s(int=1)%!(EXTRA string=x, <nil>)");
  EXPECT_EQ(Printf("%", {}), "%!(NOVERB)");
  EXPECT_EQ(Printf("%d", {Value()}), "%!d(<nil>)");
  EXPECT_EQ(Printf("%z", {Value::Int(1)}), "%!z(int=1)");
  EXPECT_EQ(Printf("%[5]d", {Value::Int(1)}), "%!d(BADINDEX)");
  EXPECT_EQ(Printf("%*d", {Value::String("x"), Value::Int(1)}), "%!(BADWIDTH)1");
}

TEST(Sprintf, IndexesAndStars) {
  EXPECT_EQ(Printf("%[2]d %[1]d", {Value::Int(1), Value::Int(2)}), "2 1");
  EXPECT_EQ(Printf("%*d|%-*d|%.*f", {Value::Int(4), Value::Int(1), Value::Int(3), Value::Int(2),
                                     Value::Int(1), Value::Float(1.25)}),
            "   1|2  |1.2");
}

TEST(Sprintf, IsBounded) {
  std::string wide;
  for (int i = 0; i < 20; ++i) wide += "%1000000[1]d";
  EXPECT_TRUE(absl::IsResourceExhausted(Sprintf(wide, {Value::Int(1)}).status()));
  const std::vector<Value> large(3, Value::String(std::string(kMaxText / 2, 'x')));
  EXPECT_TRUE(absl::IsResourceExhausted(Sprint(large).status()));
  EXPECT_TRUE(absl::IsResourceExhausted(Sprintln(large).status()));
  EXPECT_EQ(Printf("%99999999999d", {Value::Int(1)}), "%!(NOVERB)%!(EXTRA int=1)");
}

}  // namespace
}  // namespace stave::templates
