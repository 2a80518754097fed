// SPDX-License-Identifier: Apache-2.0
//
// Texts that may be anything (names of files, what somebody typed) as the UTF-8 that JSON wants.

#ifndef STAVE_LIBS_JSON_UTF8_H_
#define STAVE_LIBS_JSON_UTF8_H_

#include <string>

#include "absl/strings/string_view.h"

namespace stave::json {

// RFC 3629: no surrogates, nothing overlong.
bool IsUtf8(absl::string_view text);

// A text, and what is lost of it, which its reader can put back:
//
//   {"path":"caf\ufffd","bytes":"e9"}
struct Utf8Text {
  std::string text;  // each byte that is not UTF-8 is U+FFFD
  // Those bytes in order, two hexadecimal digits each; "" if there are none. If there are, a U+FFFD
  // that is in the text is among them by its three bytes, so that each in `text` is one of `bytes`.
  std::string bytes;
};
Utf8Text ToUtf8(absl::string_view text);

}  // namespace stave::json

#endif  // STAVE_LIBS_JSON_UTF8_H_
