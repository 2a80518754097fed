// SPDX-License-Identifier: Apache-2.0
#include "libs/template/literal.h"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "libs/template/quote.h"

namespace stave::templates {
namespace {

bool HasPrefix(absl::string_view text, char letter) {
  return text.size() >= 2 && text[0] == '0' && absl::ascii_tolower(text[1]) == letter;
}

// An underscore stands between digits, or between a base's prefix and a digit.
bool UnderscoresAreGood(absl::string_view text) {
  char before = text.size() >= 2 && text[0] == '0' && absl::ascii_isalpha(text[1]) ? '0' : '.';
  const bool is_hex = HasPrefix(text, 'x');
  for (const char c : text.substr(before == '0' ? 2 : 0)) {
    const bool is_digit = absl::ascii_isdigit(c) || (is_hex && absl::ascii_isxdigit(c));
    if (c == '_' && before != '0') return false;
    if (before == '_' && !is_digit) return false;
    before = is_digit ? '0' : c;
  }
  return before != '_';
}

int Digit(char c) {
  if (absl::ascii_isdigit(c)) return c - '0';
  return absl::ascii_isxdigit(c) ? absl::ascii_tolower(c) - 'a' + 10 : 99;
}

// Without sign and underscores.
std::optional<uint64_t> ParseNatural(absl::string_view digits) {
  unsigned base = 10;
  if (HasPrefix(digits, 'x')) base = 16;
  if (HasPrefix(digits, 'o')) base = 8;
  if (HasPrefix(digits, 'b')) base = 2;
  if (base != 10) {
    digits.remove_prefix(2);
  } else if (digits.size() > 1 && digits[0] == '0') {
    base = 8;
    digits.remove_prefix(1);
  }
  if (digits.empty()) return std::nullopt;
  uint64_t value = 0;
  for (const char c : digits) {
    const int digit = Digit(c);
    if (digit >= static_cast<int>(base)) return std::nullopt;
    if (value > (std::numeric_limits<uint64_t>::max() - static_cast<uint64_t>(digit)) / base) {
      return std::nullopt;
    }
    value = value * base + static_cast<uint64_t>(digit);
  }
  return value;
}

std::optional<double> ParseReal(const std::string& text, bool is_hex) {
  if (is_hex && text.find_first_of("pP") == std::string::npos) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || *end != '\0' || !std::isfinite(value)) return std::nullopt;
  return value;
}

absl::StatusOr<Number> ParseCharacter(absl::string_view text) {
  if (const std::optional<char32_t> rune = GoUnquoteRune(text)) {
    return Number{static_cast<int64_t>(*rune), static_cast<uint64_t>(*rune),
                  static_cast<double>(*rune)};
  }
  // More than one character, or none that is right?
  const absl::string_view inside = text.substr(1, text.size() - 2);
  for (size_t size = 1; size < inside.size() && size < 12; ++size) {
    if (GoUnquoteRune(absl::StrCat("'", inside.substr(0, size), "'"))) {
      return absl::InvalidArgumentError(absl::StrCat("malformed character constant: ", text));
    }
  }
  return absl::InvalidArgumentError("invalid syntax");
}

void SetInteger(uint64_t natural, bool negative, bool is_signed, Number* number) {
  constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (!is_signed || natural == 0) number->natural = natural;
  if (negative && natural <= kMost + 1) number->integer = static_cast<int64_t>(~natural + 1);
  if (!negative && natural <= kMost) number->integer = static_cast<int64_t>(natural);
  if (number->integer) {
    number->real = static_cast<double>(*number->integer);
  } else if (number->natural) {
    number->real = static_cast<double>(natural);
  }
}

}  // namespace

absl::StatusOr<Number> ParseNumber(absl::string_view text) {
  if (absl::StartsWith(text, "'")) return ParseCharacter(text);
  const auto illegal = [text] {
    return absl::InvalidArgumentError(absl::StrCat("illegal number syntax: ", GoQuote(text)));
  };
  const bool is_signed = !text.empty() && (text[0] == '-' || text[0] == '+');
  const bool negative = is_signed && text[0] == '-';
  const absl::string_view unsigned_text = text.substr(is_signed ? 1 : 0);
  if (!UnderscoresAreGood(unsigned_text)) return illegal();
  const std::string digits = absl::StrReplaceAll(unsigned_text, {{"_", ""}});
  Number number;
  if (const std::optional<uint64_t> natural = ParseNatural(digits)) {
    SetInteger(*natural, negative, is_signed, &number);
  }
  if (number.real) return number;
  number.real = ParseReal(digits, HasPrefix(digits, 'x'));
  if (!number.real) return illegal();
  if (text.find_first_of(".eEpP") == absl::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat("integer overflow: ", GoQuote(text)));
  }
  if (negative) number.real = -*number.real;
  const double real = *number.real;
  if (std::fabs(real) < 9.2e18 && std::trunc(real) == real) {
    number.integer = static_cast<int64_t>(real);
    if (real >= 0) number.natural = static_cast<uint64_t>(real);
  }
  return number;
}

}  // namespace stave::templates
