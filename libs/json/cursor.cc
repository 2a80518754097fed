// SPDX-License-Identifier: Apache-2.0
#include "libs/json/cursor.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"

namespace stave::json {

Cursor Cursor::operator[](absl::string_view key) const {
  std::string pointer =
      absl::StrCat(pointer_, "/", absl::StrReplaceAll(key, {{"~", "~0"}, {"/", "~1"}}));
  return Cursor(value_ == nullptr ? nullptr : value_->Find(key), std::move(pointer));
}

absl::Status Cursor::Error(absl::string_view why) const {
  return base::Error(absl::StatusCode::kInvalidArgument, "E_DOCUMENT",
                     absl::StrCat(pointer_.empty() ? "document" : pointer_, ": ", why));
}

absl::Status Cursor::Expect(Value::Type type, const char* what) const {
  if (value_ == nullptr) return Error(absl::StrCat(what, " is wanted, and it is missing"));
  if (value_->type() == type) return absl::OkStatus();
  return Error(absl::StrCat(what, " is wanted, not ", TypeName(value_->type())));
}

absl::StatusOr<std::string> Cursor::String() const {
  STAVE_RETURN_IF_ERROR(Expect(Value::Type::kString, "a string"));
  if (value_->text().find('\0') != std::string::npos) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_NUL",
                       absl::StrCat(pointer_, ": a NUL character is in the string"));
  }
  return value_->text();
}

absl::StatusOr<int64_t> Cursor::Int(int64_t low, int64_t high) const {
  STAVE_RETURN_IF_ERROR(Expect(Value::Type::kNumber, "a number"));
  const auto number = value_->AsInt64();
  if (!number.ok()) return Error(number.status().message());
  if (*number < low || *number > high) {
    return Error(absl::StrCat(*number, " is not within ", low, "..", high));
  }
  return *number;
}

absl::StatusOr<bool> Cursor::Bool() const {
  STAVE_RETURN_IF_ERROR(Expect(Value::Type::kBool, "true or false"));
  return value_->boolean();
}

absl::StatusOr<std::vector<Cursor>> Cursor::Elements() const {
  STAVE_RETURN_IF_ERROR(Expect(Value::Type::kArray, "an array"));
  std::vector<Cursor> elements;
  elements.reserve(value_->elements().size());
  for (size_t i = 0; i < value_->elements().size(); ++i) {
    elements.push_back(Cursor(&value_->elements()[i], absl::StrCat(pointer_, "/", i)));
  }
  return elements;
}

absl::StatusOr<std::vector<std::string>> Cursor::Strings() const {
  STAVE_ASSIGN_OR_RETURN(const std::vector<Cursor> elements, Elements());
  std::vector<std::string> texts;
  texts.reserve(elements.size());
  for (const Cursor& element : elements) {
    STAVE_ASSIGN_OR_RETURN(std::string text, element.String());
    texts.push_back(std::move(text));
  }
  return texts;
}

absl::StatusOr<std::vector<std::pair<std::string, Cursor>>> Cursor::Members() const {
  STAVE_RETURN_IF_ERROR(Expect(Value::Type::kObject, "an object"));
  std::vector<std::pair<std::string, Cursor>> members;
  for (const auto& [key, value] : value_->members()) members.emplace_back(key, (*this)[key]);
  return members;
}

absl::StatusOr<std::string> Cursor::StringOr(absl::string_view otherwise) const {
  return exists() ? String() : std::string(otherwise);
}

absl::StatusOr<int64_t> Cursor::IntOr(int64_t low, int64_t high, int64_t otherwise) const {
  return exists() ? Int(low, high) : otherwise;
}

absl::StatusOr<bool> Cursor::BoolOr(bool otherwise) const { return exists() ? Bool() : otherwise; }

absl::StatusOr<std::vector<std::string>> Cursor::StringsOrNone() const {
  return exists() ? Strings() : std::vector<std::string>();
}

absl::StatusOr<std::vector<Cursor>> Cursor::ElementsOrNone() const {
  return exists() ? Elements() : std::vector<Cursor>();
}

absl::StatusOr<std::vector<std::pair<std::string, Cursor>>> Cursor::MembersOrNone() const {
  return exists() ? Members() : std::vector<std::pair<std::string, Cursor>>();
}

}  // namespace stave::json
