// SPDX-License-Identifier: Apache-2.0
#include "libs/archive/tar_number.h"

#include <limits>

namespace stave::archive {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::optional<int64_t> ParseBase256(absl::string_view field) {
  const bool negative = (static_cast<unsigned char>(field[0]) & 0x40) != 0;
  uint64_t value = negative ? ~uint64_t{0} : 0;
  for (size_t i = 0; i < field.size(); ++i) {
    unsigned char byte = static_cast<unsigned char>(field[i]);
    // The first bit says that it is base-256; the second is the sign.
    if (i == 0) byte = static_cast<unsigned char>(negative ? byte | 0x80 : byte & 0x7f);
    // What is shifted out must be nothing but sign.
    const uint64_t top = value >> 55;
    if (top != (negative ? 0x1ffu : 0u)) return std::nullopt;
    value = value << 8 | byte;
  }
  return static_cast<int64_t>(value);
}

}  // namespace

std::optional<int64_t> ParseTarNumber(absl::string_view field) {
  if (!field.empty() && (static_cast<unsigned char>(field[0]) & 0x80) != 0) {
    return ParseBase256(field);
  }
  while (!field.empty() && field.front() == ' ') field.remove_prefix(1);
  int64_t value = 0;
  while (!field.empty() && field.front() >= '0' && field.front() <= '7') {
    if (value > std::numeric_limits<int64_t>::max() >> 3) return std::nullopt;
    value = value * 8 + (field.front() - '0');
    field.remove_prefix(1);
  }
  // A NUL ends the field, whatever comes after it.
  for (const char c : field) {
    if (c == '\0') break;
    if (c != ' ') return std::nullopt;
  }
  return value;
}

std::optional<int64_t> ParsePaxNumber(absl::string_view text) {
  if (text.empty()) return std::nullopt;
  int64_t value = 0;
  for (const char c : text) {
    if (!IsDigit(c) || __builtin_mul_overflow(value, 10, &value) ||
        __builtin_add_overflow(value, c - '0', &value)) {
      return std::nullopt;
    }
  }
  return value;
}

std::optional<timespec> ParsePaxTime(absl::string_view text) {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  const size_t point = text.find('.');
  const std::optional<int64_t> seconds = ParsePaxNumber(text.substr(0, point));
  if (!seconds) return std::nullopt;
  int64_t nanoseconds = 0;
  if (point != absl::string_view::npos) {
    const absl::string_view fraction = text.substr(point + 1);
    for (size_t i = 0; i < fraction.size() || i < 9; ++i) {
      const char c = i < fraction.size() ? fraction[i] : '0';
      if (!IsDigit(c)) return std::nullopt;
      if (i < 9) nanoseconds = nanoseconds * 10 + (c - '0');
    }
  }
  timespec time = {};
  time.tv_sec = negative ? -*seconds : *seconds;
  time.tv_nsec = nanoseconds;
  if (negative && nanoseconds > 0) {
    time.tv_sec -= 1;
    time.tv_nsec = 1'000'000'000 - nanoseconds;
  }
  return time;
}

}  // namespace stave::archive
