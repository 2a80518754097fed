// SPDX-License-Identifier: Apache-2.0
#include "libs/template/to_json.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "libs/template/number_text.h"
#include "libs/template/runes.h"

namespace stave::templates {
namespace {

using Kind = Value::Kind;

void AppendRuneEscaped(const Rune& rune, bool escape_html, std::string* out) {
  const char32_t value = rune.value;
  static constexpr absl::string_view kNamed = "\"\\\b\f\n\r\t";
  static constexpr absl::string_view kNames = "\"\\bfnrt";
  const size_t named =
      value < 0x80 ? kNamed.find(static_cast<char>(value)) : absl::string_view::npos;
  if (rune.invalid) {
    absl::StrAppend(out, "\\ufffd");
  } else if (named != absl::string_view::npos) {
    out->push_back('\\');
    out->push_back(kNames[named]);
  } else if (value < ' ' || value == 0x2028 || value == 0x2029 ||
             (escape_html && (value == '<' || value == '>' || value == '&'))) {
    absl::StrAppendFormat(out, "\\u%04x", static_cast<unsigned>(value));
  } else {
    AppendRune(value, out);
  }
}

void AppendString(absl::string_view text, bool escape_html, std::string* out) {
  out->push_back('"');
  while (!text.empty()) {
    const Rune rune = FirstRune(text);
    AppendRuneEscaped(rune, escape_html, out);
    text.remove_prefix(rune.size);
  }
  out->push_back('"');
}

void Append(const Value& value, bool escape_html, std::string* out);

void AppendStruct(const Value& value, bool escape_html, std::string* out) {
  const StructType& type = *value.struct_type();
  escape_html = escape_html || type.is_row;
  std::vector<size_t> order(type.fields.size());
  std::iota(order.begin(), order.end(), size_t{0});
  if (type.is_row) {
    std::sort(order.begin(), order.end(),
              [&type](size_t a, size_t b) { return type.fields[a] < type.fields[b]; });
  }
  out->push_back('{');
  for (size_t i = 0; i < order.size(); ++i) {
    if (i > 0) out->push_back(',');
    AppendString(type.fields[order[i]], escape_html, out);
    out->push_back(':');
    Append(value.struct_data()->Field(order[i]), escape_html, out);
  }
  out->push_back('}');
}

void Append(const Value& value, bool escape_html, std::string* out) {
  if (value.is_nil()) {
    absl::StrAppend(out, "null");
    return;
  }
  bool first = true;
  const auto separate = [&first, out] {
    if (!first) out->push_back(',');
    first = false;
  };
  switch (value.kind()) {
    case Kind::kBool:
      absl::StrAppend(out, value.boolean() ? "true" : "false");
      return;
    case Kind::kInt:
      absl::StrAppend(out, value.integer());
      return;
    case Kind::kUint:
      absl::StrAppend(out, value.unsigned_integer());
      return;
    case Kind::kFloat:
      absl::StrAppend(out, JsonFloatText(value.real()));
      return;
    case Kind::kList:
      out->push_back('[');
      for (const Value& element : value.elements()) {
        separate();
        Append(element, escape_html, out);
      }
      out->push_back(']');
      return;
    case Kind::kMap:
      out->push_back('{');
      for (const auto& [key, member] : value.members()) {
        separate();
        AppendString(key, escape_html, out);
        out->push_back(':');
        Append(member, escape_html, out);
      }
      out->push_back('}');
      return;
    case Kind::kStruct:
      return AppendStruct(value, escape_html, out);
    default:
      return AppendString(value.text(), escape_html, out);
  }
}

}  // namespace

std::string ToJson(const Value& value) {
  std::string out;
  Append(value, false, &out);
  return out;
}

}  // namespace stave::templates
