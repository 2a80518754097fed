// SPDX-License-Identifier: Apache-2.0
#include "libs/template/escape.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "libs/template/runes.h"

namespace stave::templates {

std::string HtmlEscape(absl::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\0':
        absl::StrAppend(&out, "\uFFFD");
        break;
      case '"':
        absl::StrAppend(&out, "&#34;");
        break;
      case '\'':
        absl::StrAppend(&out, "&#39;");
        break;
      case '&':
        absl::StrAppend(&out, "&amp;");
        break;
      case '<':
        absl::StrAppend(&out, "&lt;");
        break;
      case '>':
        absl::StrAppend(&out, "&gt;");
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

std::string JsEscape(absl::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Rune rune = FirstRune(text);
    if (rune.value == '\\' || rune.value == '\'' || rune.value == '"') {
      out.push_back('\\');
      out.push_back(static_cast<char>(rune.value));
    } else if (rune.value < ' ' || rune.value == '<' || rune.value == '>' || rune.value == '&' ||
               rune.value == '=' || (rune.value >= 0x80 && !IsPrintable(rune.value))) {
      absl::StrAppendFormat(&out, "\\u%04X", static_cast<unsigned>(rune.value));
    } else {
      absl::StrAppend(&out, text.substr(0, rune.size));
    }
    text.remove_prefix(rune.size);
  }
  return out;
}

std::string UrlQueryEscape(absl::string_view text) {
  std::string out;
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.' ||
        c == '~') {
      out.push_back(c);
    } else if (c == ' ') {
      out.push_back('+');
    } else {
      absl::StrAppendFormat(&out, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace stave::templates
