// SPDX-License-Identifier: Apache-2.0
#include "libs/template/quote.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "libs/template/runes.h"

namespace stave::templates {
namespace {

void AppendEscaped(const Rune& rune, absl::string_view raw, char quote, Escape escape,
                   std::string* out) {
  static constexpr absl::string_view kLetters = "abtnvfr";  // of 7 to 13
  const char32_t value = rune.value;
  if (rune.invalid) {
    absl::StrAppendFormat(out, "\\x%02x", static_cast<unsigned char>(raw[0]));
  } else if (value == static_cast<char32_t>(quote) || value == '\\') {
    out->push_back('\\');
    out->push_back(static_cast<char>(value));
  } else if (value >= 7 && value <= 13) {
    out->push_back('\\');
    out->push_back(kLetters[value - 7]);
  } else if (IsPrintable(value) && (value < 0x80 || escape == Escape::kUnprintable)) {
    AppendRune(value, out);
  } else if (value < ' ' || value == 0x7F) {
    absl::StrAppendFormat(out, "\\x%02x", static_cast<unsigned>(value));
  } else if (value < 0x10000) {
    absl::StrAppendFormat(out, "\\u%04x", static_cast<unsigned>(value));
  } else {
    absl::StrAppendFormat(out, "\\U%08x", static_cast<unsigned>(value));
  }
}

int DigitOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

// Takes `count` digits to `base` off the text.
std::optional<char32_t> TakeDigits(absl::string_view* text, size_t count, unsigned base) {
  if (text->size() < count) return std::nullopt;
  char32_t value = 0;
  for (size_t i = 0; i < count; ++i) {
    const int digit = DigitOf((*text)[i]);
    if (digit >= static_cast<int>(base)) return std::nullopt;
    value = value * base + static_cast<char32_t>(digit);
  }
  text->remove_prefix(count);
  return value;
}

struct Unescaped {
  char32_t value;
  bool is_byte;  // \xFF and \377 stand for a byte, not for a character
};

// The escape at the start of `text`, after its backslash.
std::optional<Unescaped> TakeEscape(absl::string_view* text, char quote) {
  if (text->empty()) return std::nullopt;
  const char c = text->front();
  static constexpr absl::string_view kNames = "abtnvfr\\";
  static constexpr absl::string_view kValues = "\a\b\t\n\v\f\r\\";
  const size_t named = kNames.find(c);
  if (named != absl::string_view::npos || c == quote) {
    text->remove_prefix(1);
    return Unescaped{
        static_cast<unsigned char>(named != absl::string_view::npos ? kValues[named] : c), false};
  }
  if (c >= '0' && c <= '7') {
    const std::optional<char32_t> value = TakeDigits(text, 3, 8);
    if (!value || *value > 255) return std::nullopt;
    return Unescaped{*value, true};
  }
  text->remove_prefix(1);
  const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (digits == 0) return std::nullopt;
  const std::optional<char32_t> value = TakeDigits(text, digits, 16);
  if (!value || *value > 0x10FFFF || (c != 'x' && *value >= 0xD800 && *value <= 0xDFFF)) {
    return std::nullopt;
  }
  return Unescaped{*value, c == 'x'};
}

std::optional<std::string> UnquoteRaw(absl::string_view inside) {
  if (inside.find('`') != absl::string_view::npos) return std::nullopt;
  std::string text;
  for (const char c : inside) {
    if (c != '\r') text.push_back(c);
  }
  return text;
}

}  // namespace

std::string GoQuote(absl::string_view text, Escape escape) {
  std::string out = "\"";
  while (!text.empty()) {
    const Rune rune = FirstRune(text);
    AppendEscaped(rune, text, '"', escape, &out);
    text.remove_prefix(rune.size);
  }
  out.push_back('"');
  return out;
}

std::string GoQuoteRune(char32_t rune, Escape escape) {
  if (rune > 0x10FFFF || (rune >= 0xD800 && rune <= 0xDFFF)) rune = kRuneError;
  std::string out = "'";
  AppendEscaped({rune, 1, false}, "", '\'', escape, &out);
  out.push_back('\'');
  return out;
}

std::string NameRune(char32_t rune) {
  std::string out = absl::StrFormat("U+%04X", static_cast<unsigned>(rune));
  if (IsPrintable(rune)) {
    out += " '";
    AppendRune(rune, &out);
    out.push_back('\'');
  }
  return out;
}

bool CanBackquote(absl::string_view text) {
  while (!text.empty()) {
    const Rune rune = FirstRune(text);
    if (rune.invalid || rune.value == 0xFEFF || rune.value == '`' || rune.value == 0x7F ||
        (rune.value < ' ' && rune.value != '\t')) {
      return false;
    }
    text.remove_prefix(rune.size);
  }
  return true;
}

std::optional<std::string> GoUnquote(absl::string_view literal) {
  if (literal.size() < 2 || literal.front() != literal.back()) return std::nullopt;
  absl::string_view inside = literal.substr(1, literal.size() - 2);
  if (literal.front() == '`') return UnquoteRaw(inside);
  if (literal.front() != '"') return std::nullopt;
  std::string text;
  while (!inside.empty()) {
    const char c = inside.front();
    inside.remove_prefix(1);
    if (c == '"' || c == '\n') return std::nullopt;
    if (c != '\\') {
      text.push_back(c);
      continue;
    }
    const std::optional<Unescaped> escaped = TakeEscape(&inside, '"');
    if (!escaped) return std::nullopt;
    if (escaped->is_byte) {
      text.push_back(static_cast<char>(escaped->value));
    } else {
      AppendRune(escaped->value, &text);
    }
  }
  return text;
}

std::optional<char32_t> GoUnquoteRune(absl::string_view literal) {
  if (literal.size() < 3 || literal.front() != '\'' || literal.back() != '\'') return std::nullopt;
  absl::string_view inside = literal.substr(1, literal.size() - 2);
  if (inside.front() == '\\') {
    inside.remove_prefix(1);
    const std::optional<Unescaped> escaped = TakeEscape(&inside, '\'');
    if (!escaped || !inside.empty()) return std::nullopt;
    return escaped->value;
  }
  const Rune rune = FirstRune(inside);
  if (rune.size != inside.size() || rune.value == '\'' || rune.value == '\n') return std::nullopt;
  return rune.value;
}

}  // namespace stave::templates
