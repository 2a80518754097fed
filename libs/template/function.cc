// SPDX-License-Identifier: Apache-2.0
#include "libs/template/function.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "libs/base/status_macros.h"
#include "libs/template/compare.h"
#include "libs/template/container.h"
#include "libs/template/escape.h"
#include "libs/template/printf.h"
#include "libs/template/runes.h"
#include "libs/template/to_json.h"

namespace stave::templates {
namespace {

using Arguments = absl::Span<const Value>;
using Result = absl::StatusOr<Value>;

constexpr size_t kMaxElements = size_t{1} << 18;

Result Text(absl::StatusOr<std::string> text) {
  STAVE_RETURN_IF_ERROR(text.status());
  if (text->size() > kMaxText) return absl::ResourceExhaustedError("the text is too long");
  return Value::String(*text);
}

Result Boolean(const absl::StatusOr<bool>& value) {
  STAVE_RETURN_IF_ERROR(value.status());
  return Value::Bool(*value);
}

// html, js, urlquery: of the text that print makes, of what templates show.
Function Escaper(std::string (*escape)(absl::string_view)) {
  return {{Parameter::kAny}, true, [escape](Arguments arguments) -> Result {
            std::vector<Value> values(arguments.begin(), arguments.end());
            for (Value& value : values) {
              if (!value.is_nothing() && value.kind() != Value::Kind::kStruct) continue;
              std::string shown;
              AppendShown(value, &shown);
              value = Value::String(shown);
            }
            STAVE_ASSIGN_OR_RETURN(const std::string text, Sprint(values));
            return Text(escape(text));
          }};
}

Function Comparison(std::function<absl::StatusOr<bool>(const Value& a, const Value& b)> compare) {
  return {{Parameter::kReflect, Parameter::kReflect},
          false,
          [compare = std::move(compare)](Arguments arguments) {
            return Boolean(compare(arguments[0], arguments[1]));
          }};
}

absl::StatusOr<bool> IsLessOrEqual(const Value& a, const Value& b) {
  STAVE_ASSIGN_OR_RETURN(const bool less, IsLess(a, b));
  return less ? absl::StatusOr<bool>(true) : EqualsAny(a, {b});
}

absl::StatusOr<bool> Not(const absl::StatusOr<bool>& value) {
  STAVE_RETURN_IF_ERROR(value.status());
  return !*value;
}

void AddComparisons(Functions* functions) {
  (*functions)["eq"] = {{Parameter::kReflect, Parameter::kReflect}, true, [](Arguments arguments) {
                          return Boolean(EqualsAny(arguments[0], arguments.subspan(1)));
                        }};
  (*functions)["ne"] =
      Comparison([](const Value& a, const Value& b) { return Not(EqualsAny(a, {b})); });
  (*functions)["lt"] = Comparison(IsLess);
  (*functions)["le"] = Comparison(IsLessOrEqual);
  (*functions)["gt"] =
      Comparison([](const Value& a, const Value& b) { return Not(IsLessOrEqual(a, b)); });
  (*functions)["ge"] = Comparison([](const Value& a, const Value& b) { return Not(IsLess(a, b)); });
}

Result Call(Arguments arguments) {
  const Value function = arguments[0].Unboxed();
  if (function.is_nothing()) return absl::InvalidArgumentError("call of nil");
  return absl::InvalidArgumentError(absl::StrCat("non-function of type ", function.TypeName()));
}

Result Split(Arguments arguments) {
  const std::string& text = arguments[0].text();
  const std::string& separator = arguments[1].text();
  std::vector<std::string> parts;
  if (separator.empty()) {
    if (text.size() > kMaxElements) return absl::ResourceExhaustedError("too many parts");
    for (absl::string_view rest = text; !rest.empty();) {
      const size_t size = FirstRune(rest).size;
      parts.emplace_back(rest.substr(0, size));
      rest.remove_prefix(size);
    }
    return Value::Strings(parts);
  }
  for (absl::string_view part : absl::StrSplit(text, separator)) {
    if (parts.size() == kMaxElements) return absl::ResourceExhaustedError("too many parts");
    parts.emplace_back(part);
  }
  return Value::Strings(parts);
}

Result Join(Arguments arguments) {
  const Value::Elements& elements = arguments[0].elements();
  size_t size = elements.size() * arguments[1].text().size();
  for (const Value& element : elements) size += element.text().size();
  if (size > kMaxText + arguments[1].text().size()) {
    return absl::ResourceExhaustedError("the text is too long");
  }
  return Text(absl::StrJoin(
      elements, arguments[1].text(),
      [](std::string* out, const Value& element) { absl::StrAppend(out, element.text()); }));
}

Result MapRunes(absl::string_view text, char32_t (*change)(char32_t rune, char32_t before)) {
  std::string out;
  char32_t before = ' ';
  while (!text.empty()) {
    const Rune rune = FirstRune(text);
    AppendRune(change(rune.value, before), &out);
    before = rune.value;
    text.remove_prefix(rune.size);
  }
  return Text(std::move(out));
}

Function Mapper(char32_t (*change)(char32_t rune, char32_t before)) {
  return {{Parameter::kString}, false, [change](Arguments arguments) {
            return MapRunes(arguments[0].text(), change);
          }};
}

Result Pad(Arguments arguments) {
  const std::string& text = arguments[0].text();
  if (text.empty()) return arguments[0];
  const int64_t before = arguments[1].integer();
  const int64_t after = arguments[2].integer();
  if (before < 0 || after < 0) {
    return absl::InvalidArgumentError("strings: negative Repeat count");
  }
  constexpr auto kMost = static_cast<int64_t>(kMaxText);
  if (before > kMost || after > kMost) {
    return absl::ResourceExhaustedError("the text is too long");
  }
  return Text(absl::StrCat(std::string(static_cast<size_t>(before), ' '), text,
                           std::string(static_cast<size_t>(after), ' ')));
}

Result Truncate(Arguments arguments) {
  const std::string& text = arguments[0].text();
  const int64_t length = arguments[1].integer();
  if (length < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("runtime error: slice bounds out of range [:", length, "]"));
  }
  return Value::String(text.substr(0, std::min(text.size(), static_cast<size_t>(length))));
}

}  // namespace

Functions BuiltinFunctions() {
  Functions functions;
  const std::vector<Parameter> one_or_more = {Parameter::kReflect, Parameter::kReflect};
  const auto evaluated_elsewhere = [](Arguments) -> Result { return Value(); };
  functions["and"] = {one_or_more, true, evaluated_elsewhere};
  functions["or"] = {one_or_more, true, evaluated_elsewhere};
  functions["call"] = {one_or_more, true, Call};
  functions["html"] = Escaper(HtmlEscape);
  functions["js"] = Escaper(JsEscape);
  functions["urlquery"] = Escaper(UrlQueryEscape);
  functions["index"] = {one_or_more, true, [](Arguments a) { return Index(a[0], a.subspan(1)); }};
  functions["slice"] = {one_or_more, true, [](Arguments a) { return Slice(a[0], a.subspan(1)); }};
  functions["len"] = {{Parameter::kReflect}, false, [](Arguments a) { return Length(a[0]); }};
  functions["not"] = {{Parameter::kReflect}, false, [](Arguments a) -> Result {
                        return Value::Bool(!a[0].IsTrue());
                      }};
  functions["print"] = {{Parameter::kAny}, true, [](Arguments a) { return Text(Sprint(a)); }};
  functions["println"] = {{Parameter::kAny}, true, [](Arguments a) { return Text(Sprintln(a)); }};
  functions["printf"] = {{Parameter::kString, Parameter::kAny}, true, [](Arguments a) {
                           return Text(Sprintf(a[0].text(), a.subspan(1)));
                         }};
  AddComparisons(&functions);
  return functions;
}

Functions DockerFunctions() {
  Functions functions = BuiltinFunctions();
  functions["json"] = {{Parameter::kAny}, false, [](Arguments a) { return Text(ToJson(a[0])); }};
  functions["split"] = {{Parameter::kString, Parameter::kString}, false, Split};
  functions["join"] = {{Parameter::kStrings, Parameter::kString}, false, Join};
  functions["lower"] = Mapper([](char32_t rune, char32_t) { return ToLower(rune); });
  functions["upper"] = Mapper([](char32_t rune, char32_t) { return ToUpper(rune); });
  functions["title"] = Mapper([](char32_t rune, char32_t before) {
    const bool starts =
        before < 0x80 ? !IsLetterOrDigit(before)
                      : before == 0xA0 || before == 0x85 || before == 0x2028 || before == 0x3000;
    return starts ? ToUpper(rune) : rune;
  });
  functions["pad"] = {{Parameter::kString, Parameter::kInt, Parameter::kInt}, false, Pad};
  functions["truncate"] = {{Parameter::kString, Parameter::kInt}, false, Truncate};
  return functions;
}

Functions DockerHeaderFunctions() {
  Functions functions = DockerFunctions();
  const auto first = [](Arguments arguments) -> Result { return arguments[0]; };
  for (const char* name : {"json", "title", "lower", "upper"}) {
    functions[name] = {{Parameter::kString}, false, first};
  }
  for (const char* name : {"split", "join"}) {
    functions[name] = {{Parameter::kString, Parameter::kString}, false, first};
  }
  functions["truncate"] = {{Parameter::kString, Parameter::kInt}, false, first};
  return functions;
}

}  // namespace stave::templates
