// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/login_host.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/oci/reference.h"

namespace stave::registry {
namespace {

constexpr char kHub[] = "docker.io";

struct Key {
  std::string host;
  std::string path;  // without slashes at its ends
  bool scheme = false;
};

Key SplitKey(absl::string_view text) {
  Key key;
  key.scheme = absl::ConsumePrefix(&text, "https://") || absl::ConsumePrefix(&text, "http://");
  const size_t slash = text.find('/');
  key.host = absl::AsciiStrToLower(text.substr(0, slash));
  if (slash != absl::string_view::npos) {
    absl::string_view path = text.substr(slash);
    while (absl::ConsumePrefix(&path, "/")) {
    }
    while (absl::ConsumeSuffix(&path, "/")) {
    }
    key.path = std::string(path);
  }
  if (key.host == "index.docker.io" || key.host == "registry-1.docker.io") key.host = kHub;
  return key;
}

// "v1" and "v2" are the API, not a namespace.
bool NamesHostOnly(const Key& key) {
  return key.scheme || key.path.empty() || key.path == "v1" || key.path == "v2";
}

}  // namespace

absl::StatusOr<std::string> ParseLoginHost(absl::string_view text) {
  if (text.empty()) return kHub;
  const Key key = SplitKey(text);
  const auto bad = [&](absl::string_view why) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_USAGE",
                       absl::StrCat("\"", base::Printable(text, 120), "\": ", why));
  };
  // What could be a password ("user:secret@host") is not repeated.
  if (absl::StrContains(text, "@")) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_USAGE",
                       "the name of a registry holds no user name or password");
  }
  if (!NamesHostOnly(key)) return bad("a login is for a whole registry: HOST or HOST:PORT");
  // A lone word is a host here, but not to the grammar of references.
  if (!oci::Reference::FromParts(key.host, "a/b", "latest").ok()) return bad("is not a host");
  return key.host;
}

std::string ApiHostOf(absl::string_view login_host) {
  return login_host == kHub ? "registry-1.docker.io" : std::string(login_host);
}

size_t KeyMatch(absl::string_view key, absl::string_view repository) {
  const Key mine = SplitKey(key);
  const Key wanted = SplitKey(repository);
  if (mine.host.empty() || mine.host != wanted.host) return 0;
  if (NamesHostOnly(mine)) return mine.host.size();
  const bool within =
      wanted.path == mine.path || absl::StartsWith(wanted.path, absl::StrCat(mine.path, "/"));
  return within ? mine.host.size() + 1 + mine.path.size() : 0;
}

}  // namespace stave::registry
