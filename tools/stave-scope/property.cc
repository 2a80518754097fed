// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-scope/property.h"

#include <limits>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/status_macros.h"

namespace stave::stave_scope {
namespace {

absl::Status Wrong(absl::string_view text) {
  return base::Error(
      absl::StatusCode::kInvalidArgument, "E_USAGE",
      absl::StrCat("\"", base::Printable(text, 64), "\": is not NAME=t:NUMBER or NAME=ay:HEX"));
}

bool IsName(absl::string_view name) {
  for (const char c : name) {
    if (!absl::ascii_isalnum(c)) return false;
  }
  return !name.empty();
}

bool IsHex(absl::string_view digits) {
  for (const char c : digits) {
    if (!absl::ascii_isxdigit(c)) return false;
  }
  return digits.size() % 2 == 0;
}

}  // namespace

absl::StatusOr<Property> ParseProperty(absl::string_view text) {
  const size_t equals = text.find('=');
  if (equals == absl::string_view::npos || !IsName(text.substr(0, equals))) return Wrong(text);
  Property property;
  property.name = std::string(text.substr(0, equals));
  absl::string_view value = text.substr(equals + 1);
  if (absl::ConsumePrefix(&value, "t:")) {
    const auto number = base::ParseUint(value, 0, std::numeric_limits<uint64_t>::max());
    if (!number.ok()) return Wrong(text);
    property.value = *number;
    return property;
  }
  if (!absl::ConsumePrefix(&value, "ay:") || !IsHex(value)) return Wrong(text);
  const std::string bytes = absl::HexStringToBytes(value);
  property.value = std::vector<uint8_t>(bytes.begin(), bytes.end());
  return property;
}

}  // namespace stave::stave_scope
