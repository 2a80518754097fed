// SPDX-License-Identifier: Apache-2.0
//
// A JSON value that keeps what it is given: the order of members and the text of numbers.
//
// It is the document of the pipe, so every program may change the members it owns and pass the rest
// on untouched. Objects are small: members are found by a linear walk.
//
//   Value limit = Value::Number(67108864);
//   document.Make({"linux", "resources", "memory"}).Set("limit", limit);
//   const Value* args = document.Find({"process", "args"});
//
// Sources: RFC 8259; design section 1 "Pass-through".

#ifndef STAVE_LIBS_JSON_VALUE_H_
#define STAVE_LIBS_JSON_VALUE_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stave::json {

class Value {
 public:
  enum class Type : uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };
  using Members = std::vector<std::pair<std::string, Value>>;
  using Elements = std::vector<Value>;

  Value() = default;  // null
  static Value Bool(bool value);
  static Value Number(int64_t value);               // within +-2^53, see IsExact
  static Value NumberText(absl::string_view text);  // text is a JSON number, kept as it is
  static Value String(absl::string_view text);
  static Value Array(Elements elements = {});
  static Value Object(Members members = {});
  static Value Strings(const std::vector<std::string>& texts);  // an array of strings

  Type type() const { return type_; }
  bool is_null() const { return type_ == Type::kNull; }
  bool is_bool() const { return type_ == Type::kBool; }
  bool is_number() const { return type_ == Type::kNumber; }
  bool is_string() const { return type_ == Type::kString; }
  bool is_array() const { return type_ == Type::kArray; }
  bool is_object() const { return type_ == Type::kObject; }

  // What it holds; each needs the right type (else false, "", empty).
  bool boolean() const { return is_bool() && boolean_; }
  const std::string& text() const { return text_; }  // of a string or a number
  const Elements& elements() const { return elements_; }
  Elements& elements() { return elements_; }
  const Members& members() const { return members_; }
  Members& members() { return members_; }

  // The member `key`, or nullptr (also when this is no object).
  const Value* Find(absl::string_view key) const;
  Value* Find(absl::string_view key);
  // The same along a path of keys.
  const Value* Find(std::initializer_list<absl::string_view> path) const;

  // Sets a member: in its place if it is there, else at the end. A value that is no object becomes
  // one. Returns the member.
  Value& Set(absl::string_view key, Value value);
  bool Remove(absl::string_view key);  // whether it was there
  // The object at `path`, made (and what is no object replaced) on the way.
  Value& Make(std::initializer_list<absl::string_view> path);

  // The number as an integer: "5", "-1", "5.0", "5e3". The spellings that jq 1.6 makes of
  // UINT64_MAX and INT64_MAX (18446744073709552000, 9223372036854775807 and neighbours), and those
  // numbers themselves, read as -1, "unlimited".
  // Errors: InvalidArgument [E_JSON] if it is no number, no integer or outside int64.
  absl::StatusOr<int64_t> AsInt64() const;

  friend bool operator==(const Value& a, const Value& b);

 private:
  Type type_ = Type::kNull;
  bool boolean_ = false;
  std::string text_;
  Elements elements_;
  Members members_;
};

bool operator==(const Value& a, const Value& b);

// "null", "boolean", "number", "string", "array", "object".
const char* TypeName(Value::Type type);

}  // namespace stave::json

#endif  // STAVE_LIBS_JSON_VALUE_H_
