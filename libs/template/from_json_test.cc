// SPDX-License-Identifier: Apache-2.0
#include "libs/template/from_json.h"

#include "gtest/gtest.h"
#include "libs/json/parse.h"
#include "libs/template/to_json.h"

namespace stave::templates {
namespace {

using Kind = Value::Kind;

json::Value Parse(absl::string_view text) { return json::Parse(text).value(); }

TEST(FromJson, Plain) {
  const Value value = FromJson(Parse(R"({"b": [1, 1.5, null, true], "a": {"x": "y"}})"));
  EXPECT_EQ(value.TypeName(), "map[string]interface {}");
  EXPECT_EQ(ToJson(value), R"({"a":{"x":"y"},"b":[1,1.5,null,true]})");
  EXPECT_EQ(value.Find("b")->elements()[0].kind(), Kind::kInt);
  EXPECT_EQ(value.Find("b")->elements()[2].kind(), Kind::kNull);
}

TEST(FromJson, Numbers) {
  EXPECT_EQ(FromJson(Parse("-9223372036854775808")).kind(), Kind::kInt);
  EXPECT_EQ(FromJson(Parse("18446744073709551615")).kind(), Kind::kUint);
  EXPECT_EQ(FromJson(Parse("18446744073709551616")).kind(), Kind::kFloat);
  EXPECT_EQ(FromJson(Parse("1e3")).kind(), Kind::kFloat);
}

TEST(FromJson, ObjectsAreStructsUnlessTheShapeSaysMaps) {
  constexpr MapShape kMaps[] = {{"Config.Labels"},
                                {"Ports", Element::kList, "nat.Port"},
                                {"Networks", Element::kStruct},
                                {"Networks.*.Options"}};
  constexpr absl::string_view kPointers[] = {"State.Health"};
  const Value value = FromJson(Parse(R"({
      "State": {"Pid": 1, "Health": null}, "Config": {"Labels": {"b": "1", "a": "2"}, "Cmd": ["x"],
      "Entrypoint": null}, "Ports": {}, "Networks": {"n": {"Options": null}}})"),
                               {"container", kMaps, kPointers});
  ASSERT_EQ(value.kind(), Kind::kStruct);
  EXPECT_EQ(value.TypeName(), "container");
  const Value state = value.struct_data()->Field(0);
  EXPECT_EQ(state.struct_data()->Field(1).TypeName(), "*container.Health");
  const Value config = value.struct_data()->Field(1);
  EXPECT_EQ(config.struct_data()->Field(0).TypeName(), "map[string]string");
  EXPECT_EQ(config.struct_data()->Field(1).TypeName(), "[]string");
  EXPECT_TRUE(config.struct_data()->Field(2).is_nil());
  EXPECT_EQ(value.struct_data()->Field(2).TypeName(), "map[nat.Port][]interface {}");
  const Value* network = value.struct_data()->Field(3).Find("n");
  ASSERT_NE(network, nullptr);
  EXPECT_EQ(network->struct_data()->Field(0).TypeName(), "map[string]string");
  EXPECT_TRUE(network->struct_data()->Field(0).is_nil());
  EXPECT_EQ(ToJson(config), R"({"Labels":{"a":"2","b":"1"},"Cmd":["x"],"Entrypoint":null})");
}

}  // namespace
}  // namespace stave::templates
