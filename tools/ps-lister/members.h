// SPDX-License-Identifier: Apache-2.0
//
// Members of a document for who shows them: what is absent or of another type is nothing.

#ifndef STAVE_TOOLS_PS_LISTER_MEMBERS_H_
#define STAVE_TOOLS_PS_LISTER_MEMBERS_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "libs/json/value.h"

namespace stave::tools {

using MemberPath = std::initializer_list<absl::string_view>;

inline std::string TextAt(const json::Value& document, MemberPath path) {
  const json::Value* value = document.Find(path);
  return value != nullptr && value->is_string() ? value->text() : "";
}

inline bool FlagAt(const json::Value& document, MemberPath path) {
  const json::Value* value = document.Find(path);
  return value != nullptr && value->boolean();
}

inline int64_t IntegerAt(const json::Value& document, MemberPath path) {
  const json::Value* value = document.Find(path);
  return value == nullptr ? 0 : value->AsInt64().value_or(0);
}

inline json::Value ListAt(const json::Value& document, MemberPath path) {
  const json::Value* value = document.Find(path);
  return value != nullptr && value->is_array() ? *value : json::Value::Array();
}

inline std::vector<std::string> WordsAt(const json::Value& document, MemberPath path) {
  std::vector<std::string> words;
  const json::Value list = ListAt(document, path);
  for (const json::Value& word : list.elements()) words.push_back(word.text());
  return words;
}

inline json::Value WordsOrNull(const std::vector<std::string>& words) {
  return words.empty() ? json::Value() : json::Value::Strings(words);
}

}  // namespace stave::tools

#endif  // STAVE_TOOLS_PS_LISTER_MEMBERS_H_
