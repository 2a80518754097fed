// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/member_reader.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"

namespace stave::oci {
namespace {

using Type = json::Value::Type;

std::string WithArticle(Type type) {
  const absl::string_view name = json::TypeName(type);
  if (type == Type::kNull) return "null";
  const bool vowel = type == Type::kArray || type == Type::kObject;
  return absl::StrCat(vowel ? "an " : "a ", name);
}

std::string IsNot(Type is, Type wanted) {
  return absl::StrCat("is ", WithArticle(is), ", not ", WithArticle(wanted));
}

}  // namespace

MemberReader::MemberReader(const json::Value& object, std::string pointer, std::string word)
    : object_(object), pointer_(std::move(pointer)), word_(std::move(word)) {}

absl::Status MemberReader::CheckObject() const {
  if (object_.is_object()) return absl::OkStatus();
  return base::Error(absl::StatusCode::kInvalidArgument, word_,
                     absl::StrCat(pointer_.empty() ? "the text" : pointer_, ": ",
                                  IsNot(object_.type(), Type::kObject)));
}

const json::Value* MemberReader::Find(absl::string_view key) const {
  const json::Value* value = object_.Find(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::string MemberReader::PointerTo(absl::string_view key) const {
  const std::string escaped = absl::StrReplaceAll(key, {{"~", "~0"}, {"/", "~1"}});
  return absl::StrCat(pointer_, "/", base::Printable(escaped, 128));
}

absl::Status MemberReader::Error(absl::string_view key, absl::string_view why) const {
  return base::Error(absl::StatusCode::kInvalidArgument, word_,
                     absl::StrCat(PointerTo(key), ": ", why));
}

absl::StatusOr<const json::Value*> MemberReader::Typed(absl::string_view key, Type type) const {
  const json::Value* value = Find(key);
  if (value != nullptr && value->type() != type) return Error(key, IsNot(value->type(), type));
  return value;
}

absl::StatusOr<std::string> MemberReader::TextOf(const json::Value& value,
                                                 absl::string_view key) const {
  if (!value.is_string()) return Error(key, IsNot(value.type(), Type::kString));
  if (value.text().find('\0') != std::string::npos) return Error(key, "holds a NUL character");
  return value.text();
}

absl::StatusOr<std::string> MemberReader::Text(absl::string_view key) const {
  STAVE_ASSIGN_OR_RETURN(const std::optional<std::string> text, OptionalText(key));
  return text.value_or("");
}

absl::StatusOr<std::optional<std::string>> MemberReader::OptionalText(absl::string_view key) const {
  const json::Value* value = Find(key);
  if (value == nullptr) return std::optional<std::string>();
  STAVE_ASSIGN_OR_RETURN(std::string text, TextOf(*value, key));
  return std::optional<std::string>(std::move(text));
}

absl::StatusOr<std::vector<std::string>> MemberReader::Texts(absl::string_view key) const {
  STAVE_ASSIGN_OR_RETURN(auto texts, OptionalTexts(key));
  return std::move(texts).value_or(std::vector<std::string>());
}

absl::StatusOr<std::optional<std::vector<std::string>>> MemberReader::OptionalTexts(
    absl::string_view key) const {
  STAVE_ASSIGN_OR_RETURN(const json::Value* value, Typed(key, Type::kArray));
  if (value == nullptr) return std::optional<std::vector<std::string>>();
  std::vector<std::string> texts;
  for (size_t i = 0; i < value->elements().size(); ++i) {
    const MemberReader inner(*value, PointerTo(key), word_);
    STAVE_ASSIGN_OR_RETURN(std::string text, inner.TextOf(value->elements()[i], absl::StrCat(i)));
    texts.push_back(std::move(text));
  }
  return std::optional<std::vector<std::string>>(std::move(texts));
}

absl::StatusOr<TextPairs> MemberReader::TextMap(absl::string_view key) const {
  STAVE_ASSIGN_OR_RETURN(const json::Value* value, Typed(key, Type::kObject));
  TextPairs pairs;
  if (value == nullptr) return pairs;
  const MemberReader inner(*value, PointerTo(key), word_);
  for (const auto& [name, member] : value->members()) {
    STAVE_ASSIGN_OR_RETURN(std::string text, inner.TextOf(member, name));
    pairs.emplace_back(name, std::move(text));
  }
  return pairs;
}

absl::StatusOr<std::vector<std::string>> MemberReader::Names(absl::string_view key) const {
  STAVE_ASSIGN_OR_RETURN(const json::Value* value, Typed(key, Type::kObject));
  std::vector<std::string> names;
  if (value == nullptr) return names;
  for (const auto& [name, member] : value->members()) {
    if (name.find('\0') != std::string::npos) return Error(key, "a name holds a NUL character");
    names.push_back(name);
  }
  return names;
}

absl::StatusOr<bool> MemberReader::Flag(absl::string_view key) const {
  STAVE_ASSIGN_OR_RETURN(const json::Value* value, Typed(key, Type::kBool));
  return value != nullptr && value->boolean();
}

absl::StatusOr<int64_t> MemberReader::Integer(absl::string_view key, int64_t low, int64_t high,
                                              int64_t fallback) const {
  STAVE_ASSIGN_OR_RETURN(const json::Value* value, Typed(key, Type::kNumber));
  if (value == nullptr) return fallback;
  const absl::StatusOr<int64_t> number = value->AsInt64();
  const std::string text = base::Printable(value->text(), 32);
  if (!number.ok()) return Error(key, absl::StrCat(text, ": is no integer"));
  if (*number < low || *number > high) {
    return Error(key, absl::StrCat(text, ": is not within ", low, "..", high));
  }
  return *number;
}

absl::StatusOr<const json::Value*> MemberReader::Object(absl::string_view key) const {
  return Typed(key, Type::kObject);
}

absl::StatusOr<const json::Value*> MemberReader::Array(absl::string_view key) const {
  return Typed(key, Type::kArray);
}

}  // namespace stave::oci
