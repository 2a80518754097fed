// SPDX-License-Identifier: Apache-2.0
//
// A place in a document with its JSON pointer, for reading typed members:
//
//   const Cursor process = Cursor(config)["process"];
//   STAVE_ASSIGN_OR_RETURN(const std::string cwd, process["cwd"].String());
//   // "/process/cwd: a string is wanted, not number [E_DOCUMENT]"
//
// A member that is absent and one that is null are the same: exists() is false.

#ifndef STAVE_LIBS_JSON_CURSOR_H_
#define STAVE_LIBS_JSON_CURSOR_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/json/value.h"

namespace stave::json {

class Cursor {
 public:
  explicit Cursor(const Value& value) : value_(&value) {}

  Cursor operator[](absl::string_view key) const;
  bool exists() const { return value_ != nullptr && !value_->is_null(); }
  const Value* value() const { return value_; }  // nullptr if absent
  const std::string& pointer() const { return pointer_; }

  // Each wants the member to be there and of its type.
  // Errors: InvalidArgument [E_DOCUMENT] with the pointer; [E_NUL] for a NUL within a string.
  absl::StatusOr<std::string> String() const;
  absl::StatusOr<int64_t> Int(int64_t low, int64_t high) const;
  absl::StatusOr<bool> Bool() const;
  absl::StatusOr<std::vector<std::string>> Strings() const;
  absl::StatusOr<std::vector<Cursor>> Elements() const;
  absl::StatusOr<std::vector<std::pair<std::string, Cursor>>> Members() const;

  // The same with a value for a member that is absent.
  absl::StatusOr<std::string> StringOr(absl::string_view otherwise) const;
  absl::StatusOr<int64_t> IntOr(int64_t low, int64_t high, int64_t otherwise) const;
  absl::StatusOr<bool> BoolOr(bool otherwise) const;
  absl::StatusOr<std::vector<std::string>> StringsOrNone() const;
  absl::StatusOr<std::vector<Cursor>> ElementsOrNone() const;
  absl::StatusOr<std::vector<std::pair<std::string, Cursor>>> MembersOrNone() const;

  // An [E_DOCUMENT] error about this place: "POINTER: why".
  absl::Status Error(absl::string_view why) const;

 private:
  Cursor(const Value* value, std::string pointer) : value_(value), pointer_(std::move(pointer)) {}
  absl::Status Expect(Value::Type type, const char* what) const;

  const Value* value_;
  std::string pointer_;
};

}  // namespace stave::json

#endif  // STAVE_LIBS_JSON_CURSOR_H_
