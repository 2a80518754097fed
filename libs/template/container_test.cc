// SPDX-License-Identifier: Apache-2.0
#include "libs/template/container.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/template/printf.h"

namespace stave::templates {
namespace {

std::string Tell(const absl::StatusOr<Value>& result) {
  if (!result.ok()) return std::string(result.status().message());
  std::string out;
  AppendText(*result, &out);
  return out;
}

Value List() { return Value::List({Value::Int(1), Value::String("b"), Value()}); }

TEST(Container, Index) {
  EXPECT_EQ(Tell(Index(List(), {Value::Int(1)})), "b");
  EXPECT_EQ(Tell(Index(List(), {Value::Int(1), Value::Uint(0)})), "98");
  EXPECT_EQ(Tell(Index(List(), {Value::Int(3)})), "reflect: slice index out of range");
  EXPECT_EQ(Tell(Index(List(), {Value::Int(4)})), "index out of range: 4");
  EXPECT_EQ(Tell(Index(List(), {Value::Int(-1)})), "index out of range: -1");
  EXPECT_EQ(Tell(Index(List(), {Value::String("a")})), "cannot index slice/array with type string");
  EXPECT_EQ(Tell(Index(List(), {Value()})), "cannot index slice/array with nil");
  EXPECT_EQ(Tell(Index(Value(), {Value::Int(0)})), "index of untyped nil");
  EXPECT_EQ(Tell(Index(List(), {Value::Int(2), Value::Int(0)})), "index of nil pointer");
  EXPECT_EQ(Tell(Index(Value::Int(1), {Value::Int(0)})), "can't index item of type int");
}

TEST(Container, IndexOfAMap) {
  const Value labels = Value::Map({{"a", Value::String("x")}}, Value::String(""));
  EXPECT_EQ(Tell(Index(labels, {Value::String("a")})), "x");
  EXPECT_EQ(Tell(Index(labels, {Value::String("b")})), "");
  EXPECT_EQ(Tell(Index(Value::Map({}), {Value::String("b")})), "<nil>");
  EXPECT_EQ(Tell(Index(labels, {Value::Int(1)})), "value has type int; should be string");
  EXPECT_EQ(Tell(Index(labels, {Value()})), "value is nil; should be of type string");
  EXPECT_EQ(Tell(Index(Value::Map({}, Value(), "nat.Port"), {Value::String("80/tcp")})),
            "value has type string; should be nat.Port");
}

TEST(Container, Slice) {
  EXPECT_EQ(Tell(Slice(List(), {Value::Int(1)})), "[b <nil>]");
  EXPECT_EQ(Tell(Slice(List(), {Value::Int(0), Value::Int(1), Value::Int(2)})), "[1]");
  EXPECT_EQ(Tell(Slice(Value::String("abc"), {Value::Int(1), Value::Int(2)})), "b");
  EXPECT_EQ(Tell(Slice(Value::String("abc"), {Value::Int(3)})), "");
  EXPECT_EQ(Tell(Slice(Value::String("abc"), {Value::Int(4)})), "index out of range: 4");
  EXPECT_EQ(Tell(Slice(Value::String("abc"), {Value::Int(2), Value::Int(1)})),
            "invalid slice index: 2 > 1");
  EXPECT_EQ(Tell(Slice(Value::String("abc"), {Value::Int(0), Value::Int(1), Value::Int(1)})),
            "cannot 3-index slice a string");
  EXPECT_EQ(Tell(Slice(List(), {Value::Int(1).Boxed()})),
            "cannot index slice/array with type interface {}");
  EXPECT_EQ(Tell(Slice(Value(), {})), "slice of untyped nil");
  EXPECT_EQ(Tell(Slice(Value::Int(1), {})), "can't slice item of type int");
}

TEST(Container, Length) {
  EXPECT_EQ(Tell(Length(List())), "3");
  EXPECT_EQ(Tell(Length(Value::String("\u00E9"))), "2");
  EXPECT_EQ(Tell(Length(Value::Null())), "len of nil pointer");
  EXPECT_EQ(Tell(Length(Value())), "reflect: call of reflect.Value.Type on zero Value");
  EXPECT_EQ(Tell(Length(Value::Int(1))), "len of type int");
}

}  // namespace
}  // namespace stave::templates
