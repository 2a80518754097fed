// SPDX-License-Identifier: Apache-2.0
//
// Unicode as far as Go's templates need it: runes out of bytes that may not be UTF-8, and classes
// of characters. Outside ASCII the classes are by blocks, not by the whole of Unicode's tables:
// they are right for what people write, and never wrong about what a terminal must not get.

#ifndef STAVE_LIBS_TEMPLATE_RUNES_H_
#define STAVE_LIBS_TEMPLATE_RUNES_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace stave::templates {

inline constexpr char32_t kRuneError = 0xFFFD;

struct Rune {
  char32_t value = kRuneError;
  size_t size = 0;  // bytes; 0 at the end of the text
  // Whether the bytes were not UTF-8: value is kRuneError and size 1.
  bool invalid = false;
};

// The first rune of `text`. Too long forms, surrogates and what is above U+10FFFF are not UTF-8.
Rune FirstRune(absl::string_view text);

// Appends it as UTF-8; what is no code point as U+FFFD.
void AppendRune(char32_t rune, std::string* out);

size_t RuneCount(absl::string_view text);

// The first `count` runes.
absl::string_view FirstRunes(absl::string_view text, size_t count);

bool IsLetterOrDigit(char32_t rune);  // also '_'
bool IsPrintable(char32_t rune);      // also the space, no other white space

// Case of ASCII, Latin, Greek and Cyrillic letters; others are as they are.
char32_t ToUpper(char32_t rune);
char32_t ToLower(char32_t rune);

}  // namespace stave::templates

#endif  // STAVE_LIBS_TEMPLATE_RUNES_H_
