// SPDX-License-Identifier: Apache-2.0
#include "libs/base/mountinfo.h"

namespace stave::base {

std::string UnescapeMountinfo(absl::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto digit = [&](size_t k) { return static_cast<unsigned>(text[i + k] - '0'); };
    if (text[i] == '\\' && i + 3 < text.size() && digit(1) < 4 && digit(2) < 8 && digit(3) < 8) {
      plain += static_cast<char>(digit(1) * 64 + digit(2) * 8 + digit(3));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

}  // namespace stave::base
