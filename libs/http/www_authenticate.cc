// SPDX-License-Identifier: Apache-2.0
#include "libs/http/www_authenticate.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"

namespace stave::http {
namespace {

constexpr size_t kMaxLine = 4096;
constexpr size_t kMaxChallenges = 16;
constexpr size_t kMaxParameters = 32;

absl::Status Bad(absl::string_view why) {
  return base::Error(absl::StatusCode::kInvalidArgument, "E_AUTH",
                     absl::StrCat("WWW-Authenticate: ", why));
}

bool IsTokenChar(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         (c != 0 && std::strchr("!#$%&'*+-.^_`|~", c) != nullptr);
}

// Walks one header line; every Take... moves past what it returns.
class Cursor {
 public:
  explicit Cursor(absl::string_view text) : rest_(text) {}

  bool AtEnd() const { return rest_.empty(); }
  void SkipSpace() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t')) rest_.remove_prefix(1);
  }
  bool Take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string TakeToken() {
    size_t n = 0;
    while (n < rest_.size() && IsTokenChar(rest_[n])) ++n;
    const std::string token(rest_.substr(0, n));
    rest_.remove_prefix(n);
    return token;
  }
  // Past a token68 if one is next and nothing but a comma follows it.
  bool TakeToken68() {
    size_t n = 0;
    while (n < rest_.size() && (absl::ascii_isalnum(static_cast<unsigned char>(rest_[n])) ||
                                std::strchr("-._~+/", rest_[n]) != nullptr)) {
      ++n;
    }
    const size_t letters = n;
    while (n < rest_.size() && rest_[n] == '=') ++n;
    size_t end = n;
    while (end < rest_.size() && (rest_[end] == ' ' || rest_[end] == '\t')) ++end;
    if (letters == 0 || (end < rest_.size() && rest_[end] != ',')) return false;
    rest_.remove_prefix(end);
    return true;
  }
  absl::StatusOr<std::string> TakeQuoted() {
    std::string text;
    while (!rest_.empty()) {
      char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == '"') return text;
      if (c == '\\') {
        if (rest_.empty()) break;
        c = rest_[0];
        rest_.remove_prefix(1);
      }
      text.push_back(c);
    }
    return Bad("a quoted text has no end");
  }

 private:
  absl::string_view rest_;
};

// `name` has been read, "=" follows.
absl::Status TakeParameter(Cursor& cursor, std::string name, Challenge* challenge) {
  name = absl::AsciiStrToLower(name);
  cursor.SkipSpace();
  std::string value;
  if (cursor.Take('"')) {
    STAVE_ASSIGN_OR_RETURN(value, cursor.TakeQuoted());
  } else {
    value = cursor.TakeToken();
    if (value.empty()) return Bad(absl::StrCat(name, ": has no value"));
  }
  for (const auto& [known, unused] : challenge->parameters) {
    if (known == name) return Bad(absl::StrCat(name, ": is there twice"));
  }
  if (challenge->parameters.size() == kMaxParameters) return Bad("too many parameters");
  challenge->parameters.emplace_back(std::move(name), std::move(value));
  return absl::OkStatus();
}

}  // namespace

std::string Challenge::Get(absl::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  return "";
}

absl::StatusOr<std::vector<Challenge>> ParseChallenges(absl::string_view line) {
  if (line.size() > kMaxLine) return Bad("the header is too long");
  if (std::any_of(line.begin(), line.end(),
                  [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; })) {
    return Bad("control character");
  }
  std::vector<Challenge> found;
  Cursor cursor(line);
  while (true) {
    cursor.SkipSpace();
    if (cursor.Take(',')) continue;
    if (cursor.AtEnd()) return found;
    const std::string word = cursor.TakeToken();
    if (word.empty()) return Bad("neither a scheme nor a parameter");
    cursor.SkipSpace();
    if (cursor.Take('=')) {
      if (found.empty()) return Bad("a parameter before any scheme");
      STAVE_RETURN_IF_ERROR(TakeParameter(cursor, word, &found.back()));
    } else {
      if (found.size() == kMaxChallenges) return Bad("too many challenges");
      found.push_back({absl::AsciiStrToLower(word), {}});
      if (cursor.TakeToken68()) continue;
      if (cursor.AtEnd() || cursor.Take(',')) continue;
      const std::string name = cursor.TakeToken();
      cursor.SkipSpace();
      if (name.empty() || !cursor.Take('=')) return Bad("a scheme without parameters");
      STAVE_RETURN_IF_ERROR(TakeParameter(cursor, name, &found.back()));
    }
    cursor.SkipSpace();
    if (!cursor.AtEnd() && !cursor.Take(',')) return Bad("a comma is missing");
  }
}

absl::StatusOr<Url> CheckRealm(absl::string_view realm, const Url& registry) {
  STAVE_ASSIGN_OR_RETURN(Url url, ParseUrl(realm));
  const auto refuse = [&](absl::string_view why) {
    return base::Error(absl::StatusCode::kPermissionDenied, "E_AUTH",
                       absl::StrCat("the registry sends us to ", base::Printable(FormatOrigin(url)),
                                    " for a token, ", why));
  };
  if (url.scheme != "https" && registry.scheme == "https") return refuse("which is not https");
  if (url.scheme != "https" && url.host != registry.host) {
    return refuse("another host in plain http");
  }
  const bool inward = IsLoopback(url.host) || IsPrivateLiteral(url.host);
  if (inward && url.host != registry.host) return refuse("an address of this or a private network");
  return url;
}

}  // namespace stave::http
