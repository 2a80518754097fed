// SPDX-License-Identifier: Apache-2.0
#include "libs/json/utf8.h"

#include <cstddef>

#include "absl/strings/escaping.h"

namespace stave::json {
namespace {

constexpr absl::string_view kReplacement = "\xEF\xBF\xBD";

// Length of the valid sequence at text[i], or 0.
size_t SequenceAt(absl::string_view text, size_t i) {
  const auto byte = [&](size_t k) -> unsigned {
    return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0;
  };
  const auto continues = [&](size_t k) { return (byte(k) & 0xC0) == 0x80; };
  const unsigned a = byte(0), b = byte(1);
  if (a < 0x80) return 1;
  if (a >= 0xC2 && a < 0xE0) return continues(1) ? 2 : 0;
  if (a >= 0xE0 && a < 0xF0) {
    const bool in_range = (a != 0xE0 || b >= 0xA0) && (a != 0xED || b < 0xA0);
    return in_range && continues(1) && continues(2) ? 3 : 0;
  }
  if (a >= 0xF0 && a < 0xF5) {
    const bool in_range = (a != 0xF0 || b >= 0x90) && (a != 0xF4 || b < 0x90);
    return in_range && continues(1) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

bool IsUtf8(absl::string_view text) {
  for (size_t i = 0; i < text.size();) {
    if (static_cast<unsigned char>(text[i]) < 0x80) {  // nearly always
      ++i;
      continue;
    }
    const size_t length = SequenceAt(text, i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

Utf8Text ToUtf8(absl::string_view text) {
  if (IsUtf8(text)) return {std::string(text), ""};
  Utf8Text made;
  std::string bytes;
  for (size_t i = 0; i < text.size();) {
    const size_t length = SequenceAt(text, i);
    if (length == 0 || text.substr(i, length) == kReplacement) {
      made.text.append(kReplacement.data(), kReplacement.size());
      bytes.push_back(text[i++]);
    } else {
      made.text.append(text.data() + i, length);
      i += length;
    }
  }
  made.bytes = absl::BytesToHexString(bytes);
  return made;
}

}  // namespace stave::json
