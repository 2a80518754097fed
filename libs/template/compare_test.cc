// SPDX-License-Identifier: Apache-2.0
#include "libs/template/compare.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"

namespace stave::templates {
namespace {

std::string Tell(const absl::StatusOr<bool>& result) {
  if (!result.ok()) return std::string(result.status().message());
  return *result ? "true" : "false";
}

std::string Eq(const Value& a, const Value& b) { return Tell(EqualsAny(a, {b})); }
std::string Lt(const Value& a, const Value& b) { return Tell(IsLess(a, b)); }

TEST(Compare, Equality) {
  EXPECT_EQ(Eq(Value::Int(1), Value::Int(1)), "true");
  EXPECT_EQ(Eq(Value::Int(1), Value::Uint(1)), "true");
  EXPECT_EQ(Eq(Value::Uint(1), Value::Int(-1)), "false");
  EXPECT_EQ(Eq(Value::String("a"), Value::String("a")), "true");
  EXPECT_EQ(Eq(Value::Int(1), Value::Float(1)), "incompatible types for comparison");
  EXPECT_EQ(Eq(Value::Int(1), Value()), "false");
  EXPECT_EQ(Eq(Value(), Value::Null()), "true");
  EXPECT_EQ(Eq(Value::NilPointer("*x"), Value()), "true");
  EXPECT_EQ(Eq(Value::List({}), Value()), "false");
  EXPECT_EQ(Eq(Value::List({}).AsNil(), Value()), "true");
  EXPECT_EQ(Eq(Value::List({Value::Int(1)}), Value::List({})),
            "non-comparable type []: []interface {}");
  EXPECT_EQ(Eq(Value::List({}), Value::Map({})),
            "non-comparable types []: []interface {}, map[string]interface {}: map[]");
  EXPECT_EQ(Tell(EqualsAny(Value::Int(1), {})), "missing argument for comparison");
  EXPECT_EQ(Tell(EqualsAny(Value::Int(2), {Value::Int(1), Value::Int(2)})), "true");
}

TEST(Compare, Structs) {
  auto type = std::make_shared<StructType>();
  type->fields = {"A"};
  const Value one = Value::Struct(type, {Value::Int(1)});
  EXPECT_EQ(Eq(one, Value::Struct(type, {Value::Int(1)})), "true");
  EXPECT_EQ(Eq(one, Value::Struct(type, {Value::Int(2)})), "false");
}

TEST(Compare, Order) {
  EXPECT_EQ(Lt(Value::Int(1), Value::Int(2)), "true");
  EXPECT_EQ(Lt(Value::Int(-1), Value::Uint(0)), "true");
  EXPECT_EQ(Lt(Value::Uint(1), Value::Int(1)), "false");
  EXPECT_EQ(Lt(Value::Float(1), Value::Float(1.5)), "true");
  EXPECT_EQ(Lt(Value::String("a"), Value::String("b")), "true");
  EXPECT_EQ(Lt(Value::Bool(false), Value::Bool(true)), "invalid type for comparison");
  EXPECT_EQ(Lt(Value::Int(1), Value::String("1")), "incompatible types for comparison");
  EXPECT_EQ(Lt(Value::Int(1), Value()), "invalid type for comparison");
}

}  // namespace
}  // namespace stave::templates
