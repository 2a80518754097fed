// SPDX-License-Identifier: Apache-2.0
#include "libs/template/formatter.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "libs/template/number_text.h"
#include "libs/template/quote.h"
#include "libs/template/runes.h"

namespace stave::templates {
namespace {

std::string InBase(uint64_t value, unsigned base, bool upper) {
  std::string text;
  do {
    text.push_back((upper ? "0123456789ABCDEF" : "0123456789abcdef")[value % base]);
    value /= base;
  } while (value != 0);
  std::reverse(text.begin(), text.end());
  return text;
}

// The base of an integer's verb; 0 if it has none.
unsigned BaseOf(char32_t verb) {
  switch (verb) {
    case 'v':
    case 'd':
      return 10;
    case 'b':
      return 2;
    case 'o':
    case 'O':
      return 8;
    case 'x':
    case 'X':
      return 16;
    default:
      return 0;
  }
}

}  // namespace

bool Formatter::HasRoomFor(size_t size) {
  if (out_->size() + size > limit_) full_ = true;
  return !full_;
}

void Formatter::Fill(int count, char c) {
  if (count > 0 && HasRoomFor(static_cast<size_t>(count))) {
    out_->append(static_cast<size_t>(count), c);
  }
}

void Formatter::Pad(absl::string_view text) {
  if (!HasRoomFor(text.size())) return;
  const int lack =
      flags.width.value_or(0) > 0 ? *flags.width - static_cast<int>(RuneCount(text)) : 0;
  if (!flags.minus) Fill(lack, flags.zero ? '0' : ' ');
  absl::StrAppend(out_, text);
  if (flags.minus) Fill(lack, ' ');
}

bool Formatter::Boolean(bool value, char32_t verb) {
  if (verb != 't' && verb != 'v') return false;
  Pad(value ? "true" : "false");
  return true;
}

void Formatter::Hexadecimal(uint64_t value) {
  if (HasRoomFor(18)) absl::StrAppend(out_, "0x", InBase(value, 16, false));
}

bool Formatter::Integer(uint64_t magnitude, bool negative, bool is_signed, char32_t verb) {
  if (verb == 'v' && flags.sharp_v && !is_signed) {
    const bool sharp = flags.sharp;
    flags.sharp = true;
    Digits(magnitude, negative, 16, 'x');
    flags.sharp = sharp;
    return true;
  }
  if (const unsigned base = BaseOf(verb); base != 0) {
    Digits(magnitude, negative, base, verb);
  } else if (verb == 'c' || verb == 'q') {
    Character(magnitude, negative, verb);
  } else if (verb == 'U') {
    CodePoint(negative ? ~magnitude + 1 : magnitude);
  } else {
    return false;
  }
  return true;
}

void Formatter::Digits(uint64_t magnitude, bool negative, unsigned base, char32_t verb) {
  const bool zero = flags.zero;
  int least = 0;
  if (flags.precision) {
    least = *flags.precision;
    if (least == 0 && magnitude == 0) return Fill(flags.width.value_or(0), ' ');
  } else if (zero && flags.width) {
    least = *flags.width - (negative || flags.plus || flags.space ? 1 : 0);
  }
  std::string text = InBase(magnitude, base, verb == 'X');
  if (!HasRoomFor(static_cast<size_t>(std::max(least, 0)))) return;
  if (static_cast<int>(text.size()) < least) {
    text.insert(0, static_cast<size_t>(least) - text.size(), '0');
  }
  absl::string_view prefix = verb == 'O' ? "0o" : "";
  if (flags.sharp && base == 2) prefix = "0b";
  if (flags.sharp && base == 8 && text[0] != '0') prefix = verb == 'O' ? "0o0" : "0";
  if (flags.sharp && base == 16) prefix = verb == 'X' ? "0X" : "0x";
  const absl::string_view sign = negative ? "-" : flags.plus ? "+" : flags.space ? " " : "";
  flags.zero = false;
  Pad(absl::StrCat(sign, prefix, text));
  flags.zero = zero;
}

void Formatter::Character(uint64_t magnitude, bool negative, char32_t verb) {
  const char32_t rune =
      negative || magnitude > 0x10FFFF ? kRuneError : static_cast<char32_t>(magnitude);
  if (verb == 'q') {
    return Pad(GoQuoteRune(rune, flags.plus ? Escape::kNonAscii : Escape::kUnprintable));
  }
  std::string text;
  AppendRune(rune, &text);
  Pad(text);
}

void Formatter::CodePoint(uint64_t magnitude) {
  std::string text = InBase(magnitude, 16, true);
  const int least = std::max(4, flags.precision.value_or(4));
  if (!HasRoomFor(static_cast<size_t>(least))) return;
  if (static_cast<int>(text.size()) < least) {
    text.insert(0, static_cast<size_t>(least) - text.size(), '0');
  }
  text = absl::StrCat("U+", text);
  if (flags.sharp && magnitude <= 0x10FFFF && IsPrintable(static_cast<char32_t>(magnitude))) {
    text += " '";
    AppendRune(static_cast<char32_t>(magnitude), &text);
    text += "'";
  }
  const bool zero = flags.zero;
  flags.zero = false;
  Pad(text);
  flags.zero = zero;
}

// %#g keeps the point and as many digits as the precision says, or six.
std::string Formatter::WithPoint(std::string number, char verb, int precision) const {
  if (verb == 'b') return number;
  int digits = 0;
  if (verb == 'g' || verb == 'G' || verb == 'x') digits = precision == -1 ? 6 : precision;
  const absl::string_view marks = verb == 'x' || verb == 'X' ? "pP" : "eE";
  const size_t mark = number.find_first_of(std::string(marks));
  const std::string tail = mark == std::string::npos ? "" : number.substr(mark);
  number.resize(number.size() - tail.size());
  bool seen = false;
  bool point = false;
  for (const char c : number) {
    if (c == '-') continue;
    point = point || c == '.';
    if (c == '.') continue;
    seen = seen || c != '0';
    if (seen) --digits;
  }
  if (!point) {
    if (number == "0" || number == "-0") --digits;
    number.push_back('.');
  }
  if (digits > 0) number.append(static_cast<size_t>(digits), '0');
  return number + tail;
}

bool Formatter::Float(double value, char32_t verb) {
  if (verb > 'z' ||
      absl::string_view("vbgGxXfFeE").find(static_cast<char>(verb)) == absl::string_view::npos) {
    return false;
  }
  const char format = verb == 'v' ? 'g' : verb == 'F' ? 'f' : static_cast<char>(verb);
  const bool fixed = format == 'f' || format == 'e' || format == 'E';
  const int precision = flags.precision.value_or(fixed ? 6 : -1);
  if (precision > 0 && !HasRoomFor(static_cast<size_t>(precision))) return true;
  std::string number = FloatText(value, format, precision);
  const bool zero = flags.zero;
  const bool finite = number[0] != 'N' && number[1] != 'I';
  if (!finite) flags.zero = false;
  if (number[0] == '+') number.erase(0, 1);  // of +Inf
  const bool negative = number[0] == '-';
  if (flags.sharp && finite) number = WithPoint(std::move(number), format, precision);
  if (!negative && flags.plus) {
    number = absl::StrCat("+", number);
  } else if (!negative && flags.space) {
    number = absl::StrCat(" ", number);
  } else if (!negative && number == "Inf") {
    number = "+Inf";
  }
  const bool is_signed = negative || (finite && (flags.plus || flags.space));
  const int width = flags.width.value_or(0);
  if (is_signed && flags.zero && width > static_cast<int>(number.size())) {
    if (HasRoomFor(1)) out_->push_back(number[0]);
    Fill(width - static_cast<int>(number.size()), '0');
    if (HasRoomFor(number.size())) out_->append(number, 1);
  } else {
    Pad(number);
  }
  flags.zero = zero;
  return true;
}

void Formatter::HexString(absl::string_view text, bool upper) {
  const auto bytes = static_cast<int>(std::min<size_t>(
      text.size(), static_cast<size_t>(flags.precision.value_or(static_cast<int>(text.size())))));
  if (bytes == 0) return Fill(flags.width.value_or(0), flags.zero ? '0' : ' ');
  const std::string lead = flags.sharp ? (upper ? "0X" : "0x") : "";
  std::string hex = lead;
  if (!HasRoomFor(static_cast<size_t>(bytes) * 5)) return;
  for (int i = 0; i < bytes; ++i) {
    if (i > 0 && flags.space) absl::StrAppend(&hex, " ", lead);
    const auto byte = static_cast<unsigned char>(text[static_cast<size_t>(i)]);
    hex.push_back((upper ? "0123456789ABCDEF" : "0123456789abcdef")[byte >> 4]);
    hex.push_back((upper ? "0123456789ABCDEF" : "0123456789abcdef")[byte & 15]);
  }
  Pad(hex);
}

void Formatter::Quoted(absl::string_view text) {
  if (flags.precision) text = FirstRunes(text, static_cast<size_t>(*flags.precision));
  if (flags.sharp && CanBackquote(text)) return Pad(absl::StrCat("`", text, "`"));
  Pad(GoQuote(text, flags.plus ? Escape::kNonAscii : Escape::kUnprintable));
}

bool Formatter::String(absl::string_view text, char32_t verb) {
  switch (verb) {
    case 'v':
      if (flags.sharp_v) {
        Quoted(text);
        return true;
      }
      [[fallthrough]];
    case 's':
      Pad(flags.precision ? FirstRunes(text, static_cast<size_t>(*flags.precision)) : text);
      return true;
    case 'x':
    case 'X':
      HexString(text, verb == 'X');
      return true;
    case 'q':
      Quoted(text);
      return true;
    default:
      return false;
  }
}

}  // namespace stave::templates
