// SPDX-License-Identifier: Apache-2.0
#include "libs/template/number_text.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace stave::templates {
namespace {

// snprintf(3), however long.
std::string CFormat(const char* format, int precision, double value) {
  const int size = std::snprintf(nullptr, 0, format, precision, value);
  std::vector<char> text(static_cast<size_t>(size) + 1);
  std::snprintf(text.data(), text.size(), format, precision, value);
  return std::string(text.data(), static_cast<size_t>(size));
}

std::string Shortest(double value, std::chars_format format) {
  char text[400];
  const auto result = std::to_chars(text, text + sizeof(text), value, format);
  return std::string(text, static_cast<size_t>(result.ptr - text));
}

// The exponent behind the mark in "1.5e+07".
int ExponentAt(absl::string_view text, size_t mark) {
  absl::string_view digits = text.substr(mark + 1);
  absl::ConsumePrefix(&digits, "+");
  int exponent = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
  return exponent;
}

// %e where the exponent is below -4 or above 5, whatever the digits, else %f.
std::string ShortestGeneral(double value) {
  std::string scientific = Shortest(value, std::chars_format::scientific);
  const int exponent = ExponentAt(scientific, scientific.find('e'));
  if (exponent < -4 || exponent >= 6) return scientific;
  return Shortest(value, std::chars_format::fixed);
}

// 0x1.8p+01: the digit before the point is 1 (C leaves a rounded 2), exponents have two digits.
std::string Hexadecimal(double value, int precision) {
  const std::string text = CFormat("%.*a", precision, value);
  const size_t mark = text.find('p');
  std::string mantissa = text.substr(0, mark);
  int exponent = ExponentAt(text, mark);
  const size_t digit = mantissa.find('x') + 1;
  if (mantissa[digit] == '2') {
    mantissa[digit] = '1';
    ++exponent;
  }
  return absl::StrFormat("%sp%c%02d", mantissa, exponent < 0 ? '-' : '+', std::abs(exponent));
}

std::string Binary(double value) {
  if (value == 0) return std::signbit(value) ? "-0p-1074" : "0p-1074";
  int exponent = 0;
  const double fraction = std::frexp(std::fabs(value), &exponent);
  int shift = exponent - 53;
  if (shift < -1074) shift = -1074;
  const auto mantissa = static_cast<uint64_t>(std::ldexp(fraction, exponent - shift));
  return absl::StrCat(value < 0 ? "-" : "", mantissa, "p", shift < 0 ? "" : "+", shift);
}

std::string LowerText(double value, char format, int precision) {
  switch (format) {
    case 'b':
      return Binary(value);
    case 'x':
      return Hexadecimal(value, precision);
    case 'e':
      return precision < 0 ? Shortest(value, std::chars_format::scientific)
                           : CFormat("%.*e", precision, value);
    case 'f':
      return precision < 0 ? Shortest(value, std::chars_format::fixed)
                           : CFormat("%.*f", precision, value);
    default:
      return precision < 0 ? ShortestGeneral(value) : CFormat("%.*g", precision, value);
  }
}

}  // namespace

std::string FloatText(double value, char format, int precision) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  const std::string text = LowerText(value, absl::ascii_tolower(format), precision);
  return absl::ascii_isupper(format) ? absl::AsciiStrToUpper(text) : text;
}

std::string JsonFloatText(double value) {
  const double size = std::fabs(value);
  if (size == 0 || (size >= 1e-6 && size < 1e21)) return FloatText(value, 'f', -1);
  std::string text = FloatText(value, 'e', -1);
  const size_t mark = text.size() < 4 ? 0 : text.size() - 4;
  if (text.compare(mark, 3, "e-0") == 0) text.erase(mark + 2, 1);
  return text;
}

}  // namespace stave::templates
