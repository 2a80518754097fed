// SPDX-License-Identifier: Apache-2.0
#include "libs/template/compare.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "libs/base/status_macros.h"
#include "libs/template/printf.h"

namespace stave::templates {
namespace {

using Kind = Value::Kind;

bool IsBasic(const Value& value) {
  switch (value.kind()) {
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kUint:
    case Kind::kFloat:
    case Kind::kString:
      return true;
    default:
      return false;
  }
}

absl::Status Incompatible() {
  return absl::InvalidArgumentError("incompatible types for comparison");
}

bool BasicEqual(const Value& a, const Value& b) {
  switch (a.kind()) {
    case Kind::kBool:
      return a.boolean() == b.boolean();
    case Kind::kInt:
      return a.integer() == b.integer();
    case Kind::kUint:
      return a.unsigned_integer() == b.unsigned_integer();
    case Kind::kFloat:
      return a.real() == b.real();
    default:
      return a.text() == b.text();
  }
}

bool AreIntAndUint(const Value& a, const Value& b) {
  return a.kind() == Kind::kInt && b.kind() == Kind::kUint;
}

bool IntEqualsUint(const Value& a, const Value& b) {
  return a.integer() >= 0 && static_cast<uint64_t>(a.integer()) == b.unsigned_integer();
}

bool IntIsLessThanUint(const Value& a, const Value& b) {
  return a.integer() < 0 || static_cast<uint64_t>(a.integer()) < b.unsigned_integer();
}

bool UintIsLessThanInt(const Value& a, const Value& b) {
  return b.integer() >= 0 && a.unsigned_integer() < static_cast<uint64_t>(b.integer());
}

// `value` as %s and as %v, where a value of its kind does not compare.
absl::StatusOr<std::string> Describe(const Value& value) {
  STAVE_ASSIGN_OR_RETURN(const std::string text, Sprintf("%s", {value}));
  return absl::StrCat(text, ": ", value.TypeName());
}

absl::StatusOr<bool> Equal(const Value& a, const Value& b) {
  if (AreIntAndUint(a, b)) return IntEqualsUint(a, b);
  if (AreIntAndUint(b, a)) return IntEqualsUint(b, a);
  if (IsBasic(a) || IsBasic(b)) {
    if (a.kind() == b.kind()) return BasicEqual(a, b);
    if (a.is_nothing() || b.is_nothing()) return false;
    return Incompatible();
  }
  if (a.kind() != b.kind() && !a.is_nothing() && !b.is_nothing()) {
    STAVE_ASSIGN_OR_RETURN(const std::string left, Describe(a));
    STAVE_ASSIGN_OR_RETURN(const std::string right,
                           Sprintf("%s: %v", {Value::String(b.TypeName()), b}));
    return absl::InvalidArgumentError(absl::StrCat("non-comparable types ", left, ", ", right));
  }
  if (a.is_nil() || b.is_nil()) return a.is_nil() == b.is_nil();
  if (b.kind() != Kind::kStruct) {
    STAVE_ASSIGN_OR_RETURN(const std::string what, Describe(b));
    return absl::InvalidArgumentError(absl::StrCat("non-comparable type ", what));
  }
  // Structs are equal if they are the same type with equal fields.
  const StructType& type = *a.struct_type();
  if (&type != b.struct_type()) return false;
  for (size_t i = 0; i < type.fields.size(); ++i) {
    STAVE_ASSIGN_OR_RETURN(const bool equal,
                           Equal(a.struct_data()->Field(i), b.struct_data()->Field(i)));
    if (!equal) return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<bool> EqualsAny(const Value& value, absl::Span<const Value> others) {
  if (others.empty()) return absl::InvalidArgumentError("missing argument for comparison");
  for (const Value& other : others) {
    STAVE_ASSIGN_OR_RETURN(const bool equal, Equal(value, other));
    if (equal) return true;
  }
  return false;
}

absl::StatusOr<bool> IsLess(const Value& a, const Value& b) {
  if (!IsBasic(a) || !IsBasic(b)) {
    return absl::InvalidArgumentError("invalid type for comparison");
  }
  if (AreIntAndUint(a, b)) return IntIsLessThanUint(a, b);
  if (AreIntAndUint(b, a)) return UintIsLessThanInt(a, b);
  if (a.kind() != b.kind()) return Incompatible();
  switch (a.kind()) {
    case Kind::kInt:
      return a.integer() < b.integer();
    case Kind::kUint:
      return a.unsigned_integer() < b.unsigned_integer();
    case Kind::kFloat:
      return a.real() < b.real();
    case Kind::kString:
      return a.text() < b.text();
    default:
      return absl::InvalidArgumentError("invalid type for comparison");
  }
}

}  // namespace stave::templates
