// SPDX-License-Identifier: Apache-2.0
#include "libs/base/number.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"

namespace stave::base {
namespace {

constexpr int64_t kMaxExact = int64_t{1} << 53;  // what a double holds exactly

absl::Status NotA(absl::string_view text, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("\"", Printable(text, 64), "\": is not ", what));
}

bool AllDigits(absl::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

// A decimal number without sign and exponent; at most `places` digits after the point.
bool IsDecimal(absl::string_view text, size_t places) {
  const size_t point = text.find('.');
  if (point == text.npos) return AllDigits(text) && text.size() <= 20;
  const absl::string_view fraction = text.substr(point + 1);
  return AllDigits(text.substr(0, point)) && point <= 20 && AllDigits(fraction) &&
         fraction.size() <= places;
}

std::string FormatUnits(int64_t bytes, double base, const char* format, const char* const* units) {
  double value = static_cast<double>(bytes);
  int unit = 0;
  while (value >= base && unit < 5) {
    value /= base;
    ++unit;
  }
  char text[64];
  std::snprintf(text, sizeof text, format, value, units[unit]);
  return text;
}

}  // namespace

absl::StatusOr<uint64_t> ParseUint(absl::string_view text, uint64_t low, uint64_t high) {
  if (!AllDigits(text)) return NotA(text, "a number");
  uint64_t value = 0;
  for (const char c : text) {
    const uint64_t digit = static_cast<uint64_t>(c - '0');
    if (value > (std::numeric_limits<uint64_t>::max() - digit) / 10) {
      return NotA(text, absl::StrCat("within ", low, "..", high));
    }
    value = value * 10 + digit;
  }
  if (value < low || value > high) return NotA(text, absl::StrCat("within ", low, "..", high));
  return value;
}

absl::StatusOr<int64_t> ParseInt(absl::string_view text, int64_t low, int64_t high) {
  const bool negative = !text.empty() && text[0] == '-';
  const absl::string_view digits = negative ? text.substr(1) : text;
  if (!AllDigits(digits)) return NotA(text, "a number");
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  const auto magnitude = ParseUint(digits, 0, negative ? kMax + 1 : kMax);
  if (magnitude.ok()) {
    const int64_t value =
        negative ? static_cast<int64_t>(0 - *magnitude) : static_cast<int64_t>(*magnitude);
    if (value >= low && value <= high) return value;
  }
  return NotA(text, absl::StrCat("within ", low, "..", high));
}

absl::StatusOr<uint32_t> ParseUserId(absl::string_view text) {
  STAVE_ASSIGN_OR_RETURN(const uint64_t id, ParseUint(text, 0, 4294967294u));
  return static_cast<uint32_t>(id);
}

absl::StatusOr<int64_t> ParseSize(absl::string_view text) {
  size_t split = text.find_first_not_of("0123456789.");
  if (split == text.npos) split = text.size();
  const absl::string_view number = text.substr(0, split);
  std::string unit = absl::AsciiStrToLower(text.substr(split));
  int power = 0;
  if (!unit.empty() && unit != "b") {
    static constexpr char kUnits[] = "kmgtp";
    const char* at = std::strchr(kUnits, unit[0]);
    const std::string rest = unit.substr(1);
    if (at == nullptr || !(rest.empty() || rest == "b" || rest == "ib")) {
      return NotA(text, "a size (bytes, or with k, m, g, t)");
    }
    power = static_cast<int>(at - kUnits) + 1;
  }
  if (!IsDecimal(number, 9)) return NotA(text, "a size (bytes, or with k, m, g, t)");
  const long double value = std::strtold(std::string(number).c_str(), nullptr) *
                            std::pow(1024.0L, static_cast<long double>(power));
  if (value > static_cast<long double>(kMaxExact)) return NotA(text, "below 8 PiB");
  return static_cast<int64_t>(value);
}

absl::StatusOr<int64_t> ParseBillionths(absl::string_view text) {
  if (!IsDecimal(text, 9)) return NotA(text, "a decimal number");
  const long double value = std::strtold(std::string(text).c_str(), nullptr) * 1e9L;
  if (value > static_cast<long double>(kMaxExact)) return NotA(text, "below 9007199");
  return static_cast<int64_t>(std::llroundl(value));
}

absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text) {
  if (IsDecimal(text, 9)) {
    const auto seconds = ParseBillionths(text);
    if (seconds.ok()) return absl::Nanoseconds(*seconds);
  }
  absl::Duration duration;
  if (text.empty() || text[0] == '-' || text[0] == '+' || absl::StrContains(text, "inf") ||
      !absl::ParseDuration(text, &duration) || duration == absl::InfiniteDuration()) {
    return NotA(text, "a duration (seconds, or as in 1m30s)");
  }
  return duration;
}

std::string FormatSizeDecimal(int64_t bytes) {
  static const char* const kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  return FormatUnits(bytes, 1000, "%.3g%s", kUnits);
}

std::string FormatSizeBinary(int64_t bytes) {
  static const char* const kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  return FormatUnits(bytes, 1024, "%.4g%s", kUnits);
}

}  // namespace stave::base
