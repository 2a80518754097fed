// SPDX-License-Identifier: Apache-2.0
//
// Executes the templates of stdin with libs/template (and lays columns out with libs/cli): what
// template_test.py compares with the answers of template_driver.go, which says what a line and an
// answer are.

#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "libs/cli/columns.h"
#include "libs/json/parse.h"
#include "libs/template/from_json.h"
#include "libs/template/printf.h"
#include "libs/template/template.h"
#include "libs/template/value.h"

namespace {

using stave::templates::FromJson;
using stave::templates::MissingKey;
using stave::templates::Parameter;
using stave::templates::Sprint;
using stave::templates::StructData;
using stave::templates::StructType;
using stave::templates::Template;
using stave::templates::Value;

// Row of template_driver.go.
class Row : public StructData {
 public:
  explicit Row(Value::Elements fields) : fields_(std::move(fields)) {}
  Value Field(size_t index) const override { return fields_[index]; }
  absl::StatusOr<Value> Call(size_t method, absl::Span<const Value> arguments) const override {
    switch (method) {
      case 0:
        return Value::String(absl::StrCat("label of ", arguments[0].text()));
      case 1:
        return Value::Int(arguments[0].integer() + arguments[1].integer());
      case 2:
        return Value::String(Sprint(arguments).value_or(""));
      case 3:
        return absl::InvalidArgumentError("out of luck");
      case 4:
        return Value::String(
            absl::StrJoin(arguments[0].elements(), "+",
                          [](std::string* out, const Value& part) { out->append(part.text()); }));
      default:
        return Value::String("plain");
    }
  }

 private:
  Value::Elements fields_;
};

Value MakeRow() {
  auto sub = std::make_shared<StructType>();
  sub->name = "main.Sub";
  sub->fields = {"A", "B"};
  const Value one = Value::Struct(sub, {Value::Int(1), Value::String("one")});
  const Value two = Value::Struct(sub, {Value::Int(2), Value::String("two")});
  auto type = std::make_shared<StructType>();
  type->name = "*main.Row";
  type->fields = {"ID",  "Count", "Ratio",  "Up",   "Ports", "Labels",  "Nested",
                  "Sub", "Subs",  "Health", "None", "Any",   "Wrapped", "Uint"};
  type->methods = {{"Label", {Parameter::kString}},   {"Add", {Parameter::kInt, Parameter::kInt}},
                   {"Show", {Parameter::kAny}},       {"Fail", {}},
                   {"Joined", {Parameter::kStrings}}, {"Plain", {}}};
  const Value text = Value::String("");
  Value::Elements fields = {
      Value::String("4f2a<&>"),
      Value::Int(3),
      Value::Float(0.25),
      Value::Bool(true),
      Value::Strings({"80/tcp", "443/tcp"}),
      Value::Map({{"a", Value::String("1")}, {"b.c", Value::String("2")}}, text),
      Value::Map({{"x", Value::Strings({"y", "z"})}}, Value::Strings({}).AsNil()),
      one,
      Value::List({one, two}, one),
      Value::NilPointer("*main.Sub"),
      Value::Strings({}).AsNil(),
      Value::Null(),
      Value::String("wrapped").Boxed(),
      Value::Uint(7)};
  return Value::Struct(type, std::make_shared<Row>(std::move(fields)));
}

std::string Answer(const std::string& line, const Value& plain, const Value& row) {
  const stave::json::Value question = stave::json::Parse(line).value();
  const std::string& text = question.Find("template")->text();
  if (question.Find("data")->text() == "columns") {
    return absl::StrCat(absl::BytesToHexString(stave::cli::LayOutColumns(text)), " ");
  }
  const absl::StatusOr<Template> parsed = Template::Parse("", text);
  if (!parsed.ok()) return absl::StrCat(" ", absl::BytesToHexString(parsed.status().message()));
  std::string out;
  const absl::Status status = parsed->Execute(
      question.Find("data")->text() == "row" ? row : plain, &out,
      question.Find("strict")->boolean() ? MissingKey::kError : MissingKey::kNoValue);
  return absl::StrCat(absl::BytesToHexString(out), " ", absl::BytesToHexString(status.message()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const Value plain = FromJson(stave::json::Parse(argv[1]).value());
  const Value row = MakeRow();
  std::string line;
  while (std::getline(std::cin, line)) std::cout << Answer(line, plain, row) << "\n";
  return 0;
}
