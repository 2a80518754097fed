// SPDX-License-Identifier: Apache-2.0
#include "libs/json/value.h"

#include <cmath>
#include <cstdlib>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"

namespace stave::json {

Value Value::Bool(bool value) {
  Value made;
  made.type_ = Type::kBool;
  made.boolean_ = value;
  return made;
}

Value Value::Number(int64_t value) { return NumberText(absl::StrCat(value)); }

Value Value::NumberText(absl::string_view text) {
  Value made;
  made.type_ = Type::kNumber;
  made.text_.assign(text.data(), text.size());
  return made;
}

Value Value::String(absl::string_view text) {
  Value made;
  made.type_ = Type::kString;
  made.text_.assign(text.data(), text.size());
  return made;
}

Value Value::Array(Elements elements) {
  Value made;
  made.type_ = Type::kArray;
  made.elements_ = std::move(elements);
  return made;
}

Value Value::Object(Members members) {
  Value made;
  made.type_ = Type::kObject;
  made.members_ = std::move(members);
  return made;
}

Value Value::Strings(const std::vector<std::string>& texts) {
  Value made = Array();
  made.elements_.reserve(texts.size());
  for (const std::string& text : texts) made.elements_.push_back(String(text));
  return made;
}

const Value* Value::Find(absl::string_view key) const {
  for (const auto& [name, value] : members_) {
    if (name == key) return &value;
  }
  return nullptr;
}

Value* Value::Find(absl::string_view key) {
  return const_cast<Value*>(static_cast<const Value*>(this)->Find(key));
}

const Value* Value::Find(std::initializer_list<absl::string_view> path) const {
  const Value* at = this;
  for (const absl::string_view key : path) {
    at = at->Find(key);
    if (at == nullptr) return nullptr;
  }
  return at;
}

Value& Value::Set(absl::string_view key, Value value) {
  if (!is_object()) *this = Object();
  if (Value* old = Find(key)) return *old = std::move(value);
  members_.emplace_back(std::string(key), std::move(value));
  return members_.back().second;
}

bool Value::Remove(absl::string_view key) {
  for (auto member = members_.begin(); member != members_.end(); ++member) {
    if (member->first == key) {
      members_.erase(member);
      return true;
    }
  }
  return false;
}

Value& Value::Make(std::initializer_list<absl::string_view> path) {
  Value* at = this;
  if (!at->is_object()) *at = Object();
  for (const absl::string_view key : path) {
    Value* next = at->Find(key);
    if (next == nullptr) next = &at->Set(key, Object());
    if (!next->is_object()) *next = Object();
    at = next;
  }
  return *at;
}

absl::StatusOr<int64_t> Value::AsInt64() const {
  if (!is_number()) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_JSON",
                       absl::StrCat("a number is wanted, not ", TypeName(type_)));
  }
  int64_t exact = 0;
  if (absl::SimpleAtoi(text_, &exact)) {
    return exact == std::numeric_limits<int64_t>::max() ? -1 : exact;
  }
  const double value = std::strtod(text_.c_str(), nullptr);
  // What jq 1.6 prints for INT64_MAX and UINT64_MAX after a trip through a double.
  if (value == 9223372036854775808.0 || value == 18446744073709551616.0) return -1;
  if (!(std::fabs(value) <= 9007199254740992.0) || value != std::floor(value)) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_JSON",
                       absl::StrCat(text_.substr(0, 64), ": is not an integer below 2^53"));
  }
  return static_cast<int64_t>(value);
}

bool operator==(const Value& a, const Value& b) {
  return a.type_ == b.type_ && a.boolean_ == b.boolean_ && a.text_ == b.text_ &&
         a.elements_ == b.elements_ && a.members_ == b.members_;
}

const char* TypeName(Value::Type type) {
  switch (type) {
    case Value::Type::kNull:
      return "null";
    case Value::Type::kBool:
      return "boolean";
    case Value::Type::kNumber:
      return "number";
    case Value::Type::kString:
      return "string";
    case Value::Type::kArray:
      return "array";
    case Value::Type::kObject:
      return "object";
  }
  return "?";
}

}  // namespace stave::json
