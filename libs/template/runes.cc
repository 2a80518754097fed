// SPDX-License-Identifier: Apache-2.0
#include "libs/template/runes.h"

#include <algorithm>
#include <iterator>

namespace stave::templates {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

template <size_t kSize>
bool Within(char32_t rune, const Range (&ranges)[kSize]) {
  const Range* at =
      std::upper_bound(std::begin(ranges), std::end(ranges), rune,
                       [](char32_t value, const Range& range) { return value < range.first; });
  return at != std::begin(ranges) && rune <= std::prev(at)->last;
}

// Neither letters nor digits: punctuation, symbols, spaces, what is private.
constexpr Range kNoLetters[] = {
    {0x0080, 0x00A9},   {0x00AB, 0x00B4},    {0x00B6, 0x00B9}, {0x00BB, 0x00BF}, {0x00D7, 0x00D7},
    {0x00F7, 0x00F7},   {0x02C2, 0x02C5},    {0x0300, 0x036F}, {0x037E, 0x037E}, {0x0387, 0x0387},
    {0x060C, 0x060D},   {0x061B, 0x061F},    {0x1680, 0x1680}, {0x2000, 0x2070}, {0x2074, 0x207E},
    {0x2080, 0x208E},   {0x20A0, 0x2101},    {0x2116, 0x2118}, {0x2190, 0x2BFF}, {0x2E00, 0x2E2E},
    {0x2E30, 0x3004},   {0x3008, 0x3030},    {0x30FB, 0x30FB}, {0xD800, 0xF8FF}, {0xFE00, 0xFE6F},
    {0xFEFF, 0xFF0F},   {0xFF1A, 0xFF20},    {0xFF3B, 0xFF40}, {0xFF5B, 0xFF65}, {0xFFE0, 0xFFFF},
    {0x1F000, 0x1FFFF}, {0xE0000, 0x10FFFF},
};

constexpr Range kUnprintable[] = {
    {0x0000, 0x001F},   {0x007F, 0x00A0},    {0x00AD, 0x00AD},   {0x0600, 0x0605},
    {0x061C, 0x061C},   {0x06DD, 0x06DD},    {0x070F, 0x070F},   {0x1680, 0x1680},
    {0x180E, 0x180E},   {0x2000, 0x200F},    {0x2028, 0x202F},   {0x205F, 0x206F},
    {0x3000, 0x3000},   {0xD800, 0xF8FF},    {0xFDD0, 0xFDEF},   {0xFEFF, 0xFEFF},
    {0xFFF0, 0xFFFB},   {0xFFFE, 0xFFFF},    {0x1FFFE, 0x1FFFF}, {0x2FFFE, 0x2FFFF},
    {0x323B0, 0xE00FF}, {0xE01F0, 0x10FFFF},
};

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

Rune FirstRune(absl::string_view text) {
  if (text.empty()) return {kRuneError, 0, true};
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1, false};
  const Rune invalid = {kRuneError, 1, true};
  const size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return invalid;
  char32_t value = lead & (0x7F >> size);
  for (size_t i = 1; i < size; ++i) {
    if (!IsContinuation(text[i])) return invalid;
    value = value << 6 | (static_cast<unsigned char>(text[i]) & 0x3F);
  }
  const char32_t least = size == 4 ? 0x10000 : size == 3 ? 0x800 : 0x80;
  if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return invalid;
  return {value, size, false};
}

void AppendRune(char32_t rune, std::string* out) {
  if (rune > 0x10FFFF || (rune >= 0xD800 && rune <= 0xDFFF)) rune = kRuneError;
  const auto tail = [out, rune](int shift) {
    out->push_back(static_cast<char>(0x80 | (rune >> shift & 0x3F)));
  };
  if (rune < 0x80) {
    out->push_back(static_cast<char>(rune));
  } else if (rune < 0x800) {
    out->push_back(static_cast<char>(0xC0 | rune >> 6));
    tail(0);
  } else if (rune < 0x10000) {
    out->push_back(static_cast<char>(0xE0 | rune >> 12));
    tail(6);
    tail(0);
  } else {
    out->push_back(static_cast<char>(0xF0 | rune >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

size_t RuneCount(absl::string_view text) {
  size_t count = 0;
  for (size_t at = 0; at < text.size(); at += FirstRune(text.substr(at)).size) ++count;
  return count;
}

absl::string_view FirstRunes(absl::string_view text, size_t count) {
  size_t at = 0;
  for (; count > 0 && at < text.size(); --count) at += FirstRune(text.substr(at)).size;
  return text.substr(0, at);
}

bool IsLetterOrDigit(char32_t rune) {
  if (rune < 0x80) {
    return rune == '_' || (rune >= '0' && rune <= '9') || (rune >= 'a' && rune <= 'z') ||
           (rune >= 'A' && rune <= 'Z');
  }
  return rune <= 0x10FFFF && !Within(rune, kNoLetters);
}

bool IsPrintable(char32_t rune) { return rune <= 0x10FFFF && !Within(rune, kUnprintable); }

char32_t ToUpper(char32_t rune) {
  if (rune >= 'a' && rune <= 'z') return rune - 32;
  if (rune < 0x80) return rune;
  if (rune >= 0xE0 && rune <= 0xFE && rune != 0xF7) return rune - 32;
  if (rune == 0xFF) return 0x178;
  if ((rune >= 0x100 && rune <= 0x137 && rune != 0x131) || (rune >= 0x14A && rune <= 0x177)) {
    return rune & ~char32_t{1};
  }
  if ((rune >= 0x139 && rune <= 0x148) || (rune >= 0x179 && rune <= 0x17E)) {
    return rune % 2 == 0 ? rune - 1 : rune;
  }
  if (rune >= 0x3B1 && rune <= 0x3C9 && rune != 0x3C2) return rune - 32;
  if (rune >= 0x430 && rune <= 0x44F) return rune - 32;
  if (rune >= 0x450 && rune <= 0x45F) return rune - 80;
  return rune;
}

char32_t ToLower(char32_t rune) {
  if (rune >= 'A' && rune <= 'Z') return rune + 32;
  if (rune < 0x80) return rune;
  if (rune >= 0xC0 && rune <= 0xDE && rune != 0xD7) return rune + 32;
  if (rune == 0x178) return 0xFF;
  if ((rune >= 0x100 && rune <= 0x137 && rune != 0x130) || (rune >= 0x14A && rune <= 0x177)) {
    return rune | 1;
  }
  if ((rune >= 0x139 && rune <= 0x148) || (rune >= 0x179 && rune <= 0x17E)) {
    return rune % 2 == 1 ? rune + 1 : rune;
  }
  if (rune >= 0x391 && rune <= 0x3A9 && rune != 0x3A2) return rune + 32;
  if (rune >= 0x410 && rune <= 0x42F) return rune + 32;
  if (rune >= 0x400 && rune <= 0x40F) return rune + 80;
  return rune;
}

}  // namespace stave::templates
