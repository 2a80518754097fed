// SPDX-License-Identifier: Apache-2.0
#include "libs/template/evaluate.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/template/parse.h"
#include "libs/template/to_json.h"

namespace stave::templates {
namespace {

// What the only action of a template gives, as JSON, or its error's text.
std::string Evaluate(const std::string& pipeline, const Value& dot) {
  const Functions functions = DockerFunctions();
  const auto parsed = ParseTemplate("", "{{" + pipeline + "}}", functions);
  if (!parsed.ok()) return std::string(parsed.status().message());
  Evaluator evaluator(**parsed, functions, MissingKey::kNoValue);
  evaluator.scope() = {"", {{"$", dot}}};
  const Node& action = *(*parsed)->trees.at("")->children[0];
  const absl::StatusOr<Value> value = evaluator.Pipeline(dot, *action.pipe);
  return value.ok() ? ToJson(*value) : std::string(value.status().message());
}

TEST(Evaluator, PassesValuesThroughPipes) {
  EXPECT_EQ(Evaluate(". | printf `%s-%s` `a`", Value::String("b")), "\"a-b\"");
  EXPECT_EQ(Evaluate("(len .) | eq 1", Value::String("b")), "true");
  EXPECT_EQ(Evaluate("1 | and true", Value()), "1");
}

TEST(Evaluator, StopsAtTheFirstThatDecides) {
  EXPECT_EQ(Evaluate("or 1 (index . 9)", Value::List({})), "1");
  EXPECT_EQ(Evaluate("and 0 (index . 9)", Value::List({})), "0");
}

TEST(Evaluator, LiteralsHaveGosTypes) {
  EXPECT_EQ(Evaluate("printf `%T %T %T %T` 1 1.0 'a' 0x1e", Value()), "\"int float64 int int\"");
  EXPECT_EQ(Evaluate("9223372036854775808", Value()),
            "template: :1:2: executing \"\" at <9223372036854775808>: 9223372036854775808 "
            "overflows int");
  EXPECT_EQ(Evaluate("nil", Value()),
            "template: :1:2: executing \"\" at <nil>: nil is not a command");
}

TEST(Evaluator, ArgumentsMustFit) {
  EXPECT_EQ(Evaluate("truncate `abc` 1.0", Value()), "\"a\"");
  EXPECT_EQ(Evaluate("truncate `abc` `1`", Value()),
            "template: :1:17: executing \"\" at <`1`>: expected integer; found `1`");
  EXPECT_EQ(Evaluate("upper nil", Value()),
            "template: :1:8: executing \"\" at <nil>: cannot assign nil to string");
  EXPECT_EQ(Evaluate("upper .", Value()),
            "template: :1:8: executing \"\" at <.>: invalid value; expected string");
  EXPECT_EQ(Evaluate("join . `,`", Value::List({})),
            "template: :1:7: executing \"\" at <.>: wrong type for value; expected []string; got "
            "[]interface {}");
  EXPECT_EQ(Evaluate("1 2", Value()),
            "template: :1:2: executing \"\" at <1>: can't give argument to non-function 1");
}

}  // namespace
}  // namespace stave::templates
