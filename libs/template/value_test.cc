// SPDX-License-Identifier: Apache-2.0
#include "libs/template/value.h"

#include <memory>

#include "gtest/gtest.h"

namespace stave::templates {
namespace {

TEST(Value, TypesAreNamedAsInGo) {
  EXPECT_EQ(Value().TypeName(), "<nil>");
  EXPECT_EQ(Value::Int(1).TypeName(), "int");
  EXPECT_EQ(Value::Byte(1).TypeName(), "uint8");
  EXPECT_EQ(Value::List({}).TypeName(), "[]interface {}");
  EXPECT_EQ(Value::Strings({"a"}).TypeName(), "[]string");
  EXPECT_EQ(Value::Map({}, Value::Strings({})).TypeName(), "map[string][]string");
  EXPECT_EQ(Value::Map({}, Value::Strings({}), "nat.Port").TypeName(), "map[nat.Port][]string");
  EXPECT_EQ(Value::NilPointer("*container.Health").TypeName(), "*container.Health");
}

TEST(Value, MapsAreSortedAndTheLastOfEqualKeysStays) {
  const Value map =
      Value::Map({{"b", Value::Int(1)}, {"a", Value::Int(2)}, {"b", Value::Int(3)}}, Value::Int(0));
  ASSERT_EQ(map.size(), 2u);
  EXPECT_EQ(map.members()[0].first, "a");
  EXPECT_EQ(map.Find("b")->integer(), 3);
  EXPECT_EQ(map.Find("c"), nullptr);
}

TEST(Value, ElementsOfAnyTypeLieInBoxes) {
  const Value any = Value::List({Value::Int(1), Value()});
  EXPECT_TRUE(any.elements()[0].boxed());
  EXPECT_EQ(any.elements()[1].kind(), Value::Kind::kNull);
  EXPECT_FALSE(any.elements()[0].Unboxed().boxed());
  EXPECT_EQ(any.elements()[1].Unboxed().kind(), Value::Kind::kMissing);
  EXPECT_FALSE(Value::List({Value::Int(1)}, Value::Int(0)).elements()[0].boxed());
}

TEST(Value, TruthIsBeingOtherThanZero) {
  for (const Value& no :
       {Value(), Value::Null(), Value::NilPointer("*x"), Value::Bool(false), Value::Int(0),
        Value::Uint(0), Value::Float(0), Value::String(""), Value::List({}), Value::Map({})}) {
    EXPECT_FALSE(no.IsTrue()) << no.TypeName();
  }
  for (const Value& yes : {Value::Bool(true), Value::Int(-1), Value::Uint(1), Value::Float(0.1),
                           Value::String(" "), Value::List({Value()})}) {
    EXPECT_TRUE(yes.IsTrue()) << yes.TypeName();
  }
}

TEST(Value, NilListsAndMapsAreEmptyAndKeepTheirType) {
  const Value nil = Value::Strings({"a"}).AsNil();
  EXPECT_TRUE(nil.is_nil());
  EXPECT_EQ(nil.size(), 0u);
  EXPECT_EQ(nil.TypeName(), "[]string");
  EXPECT_FALSE(Value::List({}).is_nil());
  EXPECT_EQ(Value::Int(1).AsNil().integer(), 1);
}

TEST(Value, StructsHoldTheFieldsOfTheirType) {
  auto type = std::make_shared<StructType>();
  type->name = "x.Row";
  type->fields = {"A", "B"};
  const Value row = Value::Struct(type, {Value::Int(1), Value::String("b")});
  EXPECT_TRUE(row.IsTrue());
  EXPECT_EQ(row.TypeName(), "x.Row");
  EXPECT_EQ(row.struct_data()->Field(1).text(), "b");
  EXPECT_EQ(row.struct_data()->Field(2).kind(), Value::Kind::kMissing);
  EXPECT_FALSE(row.struct_data()->Call(0, {}).ok());
}

TEST(Value, WhatAnotherKindHoldsIsEmpty) {
  const Value text = Value::String("x");
  EXPECT_EQ(text.integer(), 0);
  EXPECT_TRUE(text.elements().empty());
  EXPECT_TRUE(text.members().empty());
  EXPECT_EQ(text.struct_type(), nullptr);
  EXPECT_EQ(text.size(), 1u);
}

}  // namespace
}  // namespace stave::templates
