// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/moment.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/number.h"

namespace stave::cli {
namespace {

constexpr uint64_t kLastSecond = 253402300799;  // of the year 9999
constexpr size_t kFractionDigits = 9;

bool IsDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
}

std::optional<absl::Time> UnixSeconds(absl::string_view text) {
  const size_t point = text.find('.');
  const auto seconds = base::ParseUint(text.substr(0, point), 0, kLastSecond);
  if (!seconds.ok()) return std::nullopt;
  const absl::Time whole = absl::FromUnixSeconds(static_cast<int64_t>(*seconds));
  if (point == text.npos) return whole;
  if (!IsDigits(text.substr(point + 1))) return std::nullopt;
  std::string digits(text.substr(point + 1, kFractionDigits));
  digits.resize(kFractionDigits, '0');
  return whole + absl::Nanoseconds(static_cast<int64_t>(*base::ParseUint(digits, 0, 999999999)));
}

std::optional<absl::Time> Ago(absl::string_view text, absl::Time now) {
  const bool is_later = absl::ConsumePrefix(&text, "-");
  const auto duration = base::ParseDuration(text);
  if (!duration.ok() || !absl::ascii_isalpha(static_cast<unsigned char>(text.back()))) {
    return std::nullopt;
  }
  return is_later ? now + *duration : now - *duration;
}

// Takes what `shape` says from the beginning: "d" is a digit.
bool Take(absl::string_view shape, absl::string_view* text) {
  if (text->size() < shape.size()) return false;
  for (size_t i = 0; i < shape.size(); ++i) {
    const char c = (*text)[i];
    if (shape[i] == 'd' ? !absl::ascii_isdigit(static_cast<unsigned char>(c)) : shape[i] != c) {
      return false;
    }
  }
  text->remove_prefix(shape.size());
  return true;
}

bool TakeFraction(absl::string_view* text) {
  if (!absl::ConsumePrefix(text, ".")) return true;
  const size_t digits = std::min(text->find_first_not_of("0123456789"), text->size());
  text->remove_prefix(digits);
  return digits > 0;
}

// absl takes more than is meant here, so the shape is looked at first.
std::optional<absl::Time> Date(absl::string_view text, absl::TimeZone zone) {
  absl::string_view rest = text;
  std::string format = "%Y-%m-%d";
  if (!Take("dddd-dd-dd", &rest)) return std::nullopt;
  if (Take("Tdd", &rest)) {
    format += "%ET%H";
    if (Take(":dd", &rest)) {
      format += ":%M";
      if (Take(":dd", &rest)) {
        format += ":%E*S";
        if (!TakeFraction(&rest)) return std::nullopt;
      }
    }
  }
  if (!rest.empty()) {
    if (!Take("Z", &rest) && !Take("+dd:dd", &rest) && !Take("-dd:dd", &rest)) return std::nullopt;
    if (!rest.empty()) return std::nullopt;
    format += "%Ez";
  }
  absl::Time time;
  std::string why;
  if (!absl::ParseTime(format, text, zone, &time, &why)) return std::nullopt;
  return time;
}

}  // namespace

absl::StatusOr<absl::Time> ParseMoment(absl::string_view text, absl::Time now,
                                       absl::TimeZone zone) {
  if (const auto time = UnixSeconds(text); time.has_value()) return *time;
  if (const auto time = Ago(text, now); time.has_value()) return *time;
  if (const auto time = Date(text, zone); time.has_value()) return *time;
  return absl::InvalidArgumentError(
      absl::StrCat("failed to parse value as time or duration: \"", base::Printable(text), "\""));
}

}  // namespace stave::cli
