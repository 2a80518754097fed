// SPDX-License-Identifier: Apache-2.0
#include "libs/template/function.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "libs/template/printf.h"

namespace stave::templates {
namespace {

std::string Call(const std::string& name, const std::vector<Value>& arguments) {
  const absl::StatusOr<Value> result = DockerFunctions().at(name).call(arguments);
  if (!result.ok()) return std::string(result.status().message());
  std::string out;
  AppendText(*result, &out);
  return out;
}

Value Text(absl::string_view text) { return Value::String(text); }

TEST(Functions, Docker) {
  EXPECT_EQ(Call("split", {Text("a,b"), Text(",")}), "[a b]");
  EXPECT_EQ(Call("split", {Text("a\u00E9"), Text("")}), "[a \u00E9]");
  EXPECT_EQ(Call("split", {Text(""), Text(",")}), "[]");
  EXPECT_EQ(Call("join", {Value::Strings({"a", "b"}), Text("::")}), "a::b");
  EXPECT_EQ(Call("title", {Text("one two-three don't x_y")}), "One Two-Three Don'T X_y");
  EXPECT_EQ(Call("upper", {Text("a\u00E9")}), "A\u00C9");
  EXPECT_EQ(Call("pad", {Text(""), Value::Int(2), Value::Int(2)}), "");
  EXPECT_EQ(Call("pad", {Text("x"), Value::Int(-1), Value::Int(2)}),
            "strings: negative Repeat count");
  EXPECT_EQ(Call("truncate", {Text("abc"), Value::Int(9)}), "abc");
  EXPECT_EQ(Call("truncate", {Text("abc"), Value::Int(-1)}),
            "runtime error: slice bounds out of range [:-1]");
}

TEST(Functions, Go) {
  EXPECT_EQ(Call("html", {Value(), Text("<")}), "&lt;no value&gt;&lt;");
  EXPECT_EQ(Call("call", {Value()}), "call of nil");
  EXPECT_EQ(Call("call", {Text("x")}), "non-function of type string");
  EXPECT_EQ(Call("eq", {Text("x")}), "missing argument for comparison");
  EXPECT_EQ(Call("not", {Value()}), "true");
}

TEST(Functions, ResultsAreBounded) {
  const Value large = Text(std::string(kMaxText, ','));
  for (const auto& [name, arguments] : std::vector<std::pair<std::string, std::vector<Value>>>{
           {"split", {large, Text(",")}},
           {"split", {large, Text("")}},
           {"join", {Value::Strings({"", "", ""}), large}},
           {"html", {Text(std::string(kMaxText, '<'))}},
           {"pad", {Text("x"), Value::Int(int64_t{1} << 40), Value::Int(0)}}}) {
    EXPECT_TRUE(absl::IsResourceExhausted(DockerFunctions().at(name).call(arguments).status()))
        << name;
  }
}

TEST(Functions, HeadersStayAsTheyAre) {
  const Functions functions = DockerHeaderFunctions();
  EXPECT_EQ(functions.at("upper").call({Text("Id")})->text(), "Id");
  EXPECT_EQ(functions.at("split").call({Text("Id"), Text("d")})->text(), "Id");
  EXPECT_EQ(functions.at("truncate").call({Text("Id"), Value::Int(1)})->text(), "Id");
}

}  // namespace
}  // namespace stave::templates
