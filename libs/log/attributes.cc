// SPDX-License-Identifier: Apache-2.0
#include "libs/log/attributes.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"

namespace stave::log {
namespace {

void AppendEscaped(absl::string_view text, std::string* out) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  for (const char c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) || c == '-' || c == '_' || c == '.' || c == '~') {
      out->push_back(c);
    } else if (c == ' ') {
      out->push_back('+');
    } else {
      out->append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
}

}  // namespace

std::string FormatAttributes(const std::map<std::string, std::string>& attributes) {
  if (attributes.empty()) return "";
  json::Value object = json::Value::Object();
  for (const auto& [key, text] : attributes) object.Set(key, json::Value::String(text));
  return json::Print(object);
}

std::string AttributesText(absl::string_view object) {
  const auto value = json::Parse(object);
  if (!value.ok()) return "";
  std::map<absl::string_view, absl::string_view> sorted;
  for (const auto& [key, member] : value->members()) {
    if (member.is_string()) sorted.emplace(key, member.text());
  }
  return absl::StrJoin(sorted, ",", [](std::string* out, const auto& one) {
    AppendEscaped(one.first, out);
    out->push_back('=');
    AppendEscaped(one.second, out);
  });
}

}  // namespace stave::log
