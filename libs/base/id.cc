// SPDX-License-Identifier: Apache-2.0
#include "libs/base/id.h"

#include <sys/random.h>

#include <cstdlib>

namespace stave::base {

std::string Hex(const unsigned char* data, size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(2 * size, '0');
  for (size_t i = 0; i < size; ++i) {
    text[2 * i] = kDigits[data[i] >> 4];
    text[2 * i + 1] = kDigits[data[i] & 15];
  }
  return text;
}

std::string NewId() {
  for (;;) {
    unsigned char bytes[kIdLength / 2];
    // 32 bytes are never interrupted nor short: getrandom(2).
    if (::getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) std::abort();
    std::string id = Hex(bytes, sizeof bytes);
    if (id.find_first_of("abcdef") < kShortIdLength) return id;
  }
}

bool IsId(absl::string_view text) {
  return text.size() == kIdLength && text.find_first_not_of("0123456789abcdef") == text.npos;
}

}  // namespace stave::base
