// SPDX-License-Identifier: Apache-2.0
//
// WWW-Authenticate: what is accepted reads back the same from its plainest form, and no realm that
// passes leads to where a registry may not send us.

#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/http/url.h"
#include "libs/http/www_authenticate.h"

namespace {

using stave::http::Challenge;
using stave::http::Url;

constexpr size_t kMaxLine = 4096;  // of the header

void Require(bool condition) {
  if (!condition) std::abort();
}

std::string Quoted(absl::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted.push_back('\\');
    quoted.push_back(c);
  }
  return quoted + "\"";
}

std::string Print(const std::vector<Challenge>& challenges) {
  std::string line;
  for (const Challenge& challenge : challenges) {
    absl::StrAppend(&line, line.empty() ? "" : ", ", challenge.scheme);
    absl::string_view before = " ";
    for (const auto& [name, value] : challenge.parameters) {
      absl::StrAppend(&line, before, name, "=", Quoted(value));
      before = ",";
    }
  }
  return line;
}

void CheckChallenge(const Challenge& challenge) {
  Require(!challenge.scheme.empty() && challenge.scheme == absl::AsciiStrToLower(challenge.scheme));
  std::set<std::string> names;
  for (const auto& [name, value] : challenge.parameters) {
    Require(!name.empty() && name == absl::AsciiStrToLower(name) && names.insert(name).second);
    for (const unsigned char c : value) Require(c == '\t' || (c >= 0x20 && c != 0x7f));
  }
}

void CheckOneRealm(absl::string_view realm, const Url& registry) {
  const auto url = stave::http::CheckRealm(realm, registry);
  if (!url.ok()) return;
  Require(url->scheme == "https" || (url->scheme == "http" && registry.scheme == "http"));
  if (url->scheme == "http") Require(url->host == registry.host);
  if (stave::http::IsLoopback(url->host) || stave::http::IsPrivateLiteral(url->host)) {
    Require(url->host == registry.host);
  }
  const auto again = stave::http::ParseUrl(stave::http::FormatUrl(*url));
  Require(again.ok() && stave::http::SameOrigin(*again, *url) && again->target == url->target);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view line(reinterpret_cast<const char*>(data), size);
  const Url secure{"https", "reg.example", 443, "/"};
  const Url plain{"http", "127.0.0.1", 5000, "/"};
  CheckOneRealm(line, secure);
  CheckOneRealm(line, plain);
  const auto challenges = stave::http::ParseChallenges(line);
  if (!challenges.ok()) return 0;
  for (const Challenge& challenge : *challenges) {
    CheckChallenge(challenge);
    CheckOneRealm(challenge.Get("realm"), secure);
    CheckOneRealm(challenge.Get("realm"), plain);
  }
  const std::string printed = Print(*challenges);
  if (printed.size() > kMaxLine) return 0;
  const auto again = stave::http::ParseChallenges(printed);
  Require(again.ok() && Print(*again) == printed);
  return 0;
}
