// SPDX-License-Identifier: Apache-2.0
//
// Go's quoted strings: "a\tb", `raw`, 'c'.

#ifndef STAVE_LIBS_TEMPLATE_QUOTE_H_
#define STAVE_LIBS_TEMPLATE_QUOTE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace stave::templates {

enum class Escape : uint8_t {
  kUnprintable,  // "caf\u00e9" keeps its last letter
  kNonAscii,
};

// `text` between double quotes; what cannot be shown as \n, \x7f, \u200b.
std::string GoQuote(absl::string_view text, Escape escape = Escape::kUnprintable);

// A character between single quotes.
std::string GoQuoteRune(char32_t rune, Escape escape = Escape::kUnprintable);

// As the message of an unexpected character names it: "U+007D '}'".
std::string NameRune(char32_t rune);

// Whether `text` can be written between back quotes: no control characters but tab.
bool CanBackquote(absl::string_view text);

// The text of a literal with its quotes, "..." or `...`; nullopt if it is none.
std::optional<std::string> GoUnquote(absl::string_view literal);

// The character of a literal with its quotes, '...'; nullopt if it is none.
std::optional<char32_t> GoUnquoteRune(absl::string_view literal);

}  // namespace stave::templates

#endif  // STAVE_LIBS_TEMPLATE_QUOTE_H_
