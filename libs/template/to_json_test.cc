// SPDX-License-Identifier: Apache-2.0
#include "libs/template/to_json.h"

#include <memory>

#include "gtest/gtest.h"

namespace stave::templates {
namespace {

TEST(ToJson, Values) {
  EXPECT_EQ(ToJson(Value()), "null");
  EXPECT_EQ(ToJson(Value::NilPointer("*x")), "null");
  EXPECT_EQ(ToJson(Value::Bool(false)), "false");
  EXPECT_EQ(ToJson(Value::Int(-1)), "-1");
  EXPECT_EQ(ToJson(Value::Uint(1)), "1");
  EXPECT_EQ(ToJson(Value::Float(1.5)), "1.5");
  EXPECT_EQ(ToJson(Value::List({Value::Int(1), Value(), Value::String("a")})), "[1,null,\"a\"]");
  EXPECT_EQ(ToJson(Value::Strings({})), "[]");
  EXPECT_EQ(ToJson(Value::Strings({}).AsNil()), "null");
  EXPECT_EQ(ToJson(Value::Map({{"b", Value::Int(1)}, {"a", Value::Int(2)}})), "{\"a\":2,\"b\":1}");
}

TEST(ToJson, Strings) {
  EXPECT_EQ(ToJson(Value::String("\"\\\b\f\n\r\t\x01")), "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\"");
  EXPECT_EQ(ToJson(Value::String("<a&b> \u00E9\x7F")), "\"<a&b> \u00E9\x7F\"");
  EXPECT_EQ(ToJson(Value::String("\xFF\u2028")), "\"\\ufffd\\u2028\"");
}

TEST(ToJson, StructsKeepTheirOrderAndRowsDoNot) {
  auto type = std::make_shared<StructType>();
  type->fields = {"B", "A"};
  const Value::Elements fields = {Value::String("<none>"), Value::Int(1)};
  EXPECT_EQ(ToJson(Value::Struct(type, fields)), "{\"B\":\"<none>\",\"A\":1}");
  auto row = std::make_shared<StructType>(*type);
  row->is_row = true;
  EXPECT_EQ(ToJson(Value::Struct(row, fields)), "{\"A\":1,\"B\":\"\\u003cnone\\u003e\"}");
}

}  // namespace
}  // namespace stave::templates
