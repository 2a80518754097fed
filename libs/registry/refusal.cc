// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/refusal.h"

#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"
#include "libs/registry/rate_limit.h"
#include "libs/registry/retry.h"

namespace stave::registry {
namespace {

constexpr size_t kQuoted = 200;

// The first of {"errors":[{"code":..,"message":..}]}.
struct Said {
  std::string code;
  std::string message;  // ": what it says", printable; or ""
};

std::string StringOf(const json::Value& object, const char* name) {
  const json::Value* member = object.Find(name);
  return member != nullptr && member->is_string() ? member->text() : "";
}

Said WhatItSays(const http::Response& response) {
  const auto answer = json::Parse(response.body);
  if (!answer.ok() || !answer->is_object()) return {};
  const json::Value* errors = answer->Find("errors");
  if (errors == nullptr || !errors->is_array() || errors->elements().empty()) return {};
  const json::Value& first = errors->elements()[0];
  if (!first.is_object()) return {};
  Said said{StringOf(first, "code"), StringOf(first, "message")};
  if (!said.message.empty()) {
    said.message = absl::StrCat(": ", base::Printable(said.message, kQuoted));
  }
  return said;
}

std::string HostAndPort(const http::Url& url) {
  return http::FormatOrigin(url).substr(url.scheme.size() + 3);  // "://"
}

absl::Status NotFound(const Said& said) {
  absl::string_view text = "not found in the registry";
  if (said.code == "NAME_UNKNOWN") text = kNoSuchRepository;
  if (said.code == "MANIFEST_UNKNOWN") text = kNoSuchImage;
  return base::Error(absl::StatusCode::kNotFound, "E_NOT_FOUND", text);
}

absl::Status TooMany(const http::Response& response, const Said& said, const http::Url& registry,
                     absl::Time now) {
  std::string text = absl::StrCat("the registry allows no more requests for now", said.message);
  if (const auto limit = ParseRateLimit(response); limit.has_value()) {
    absl::StrAppend(&text, "; ", limit->ToString());
  }
  if (const auto wait = RetryAfter(response, now); wait.has_value()) {
    const absl::Duration rounded = absl::Ceil(*wait, absl::Seconds(1));
    absl::StrAppend(&text, "; try again in ", absl::FormatDuration(rounded));
  }
  return base::WithHint(
      base::Error(absl::StatusCode::kResourceExhausted, "E_RATE", text),
      absl::StrCat("a login may be allowed more: ", LoginCommand(HostAndPort(registry)),
                   "; or pull from a mirror"));
}

}  // namespace

std::string LoginCommand(absl::string_view host) {
  if (host == "registry-1.docker.io") return "registry-login";
  return absl::StrCat("registry-login ", base::Printable(host));
}

absl::Status RefusalOf(const http::Response& response, const http::Url& registry,
                       absl::string_view login_hint, absl::Time now) {
  const Said said = WhatItSays(response);
  if (!http::SameOrigin(response.url, registry)) {
    const std::string text =
        absl::StrCat(base::Printable(http::FormatOrigin(response.url)),
                     ", where the registry sends us, answers with status ", response.status);
    if (response.status == 404) {
      return base::Error(absl::StatusCode::kNotFound, "E_NOT_FOUND", text);
    }
    return base::Error(absl::StatusCode::kUnavailable, "E_REMOTE", text);
  }
  switch (response.status) {
    case 404:
      return NotFound(said);
    case 401:
    case 403:
      return base::WithHint(base::Error(absl::StatusCode::kPermissionDenied, "E_DENIED",
                                        absl::StrCat("the registry denies access", said.message)),
                            login_hint);
    case 429:
      return TooMany(response, said, registry, now);
    default:
      return base::Error(
          absl::StatusCode::kUnavailable, "E_REMOTE",
          absl::StrCat("the registry answers with status ", response.status, said.message));
  }
}

std::vector<std::string> WarningsOf(const http::Response& response) {
  std::vector<std::string> texts;
  for (const auto& [name, value] : response.headers) {
    if (name != "warning" || !absl::StartsWith(value, "299 ")) continue;
    const size_t open = value.find('"');
    const size_t close = value.rfind('"');
    if (open == std::string::npos || close <= open + 1) continue;
    texts.push_back(base::Printable(value.substr(open + 1, close - open - 1), kQuoted));
  }
  return texts;
}

}  // namespace stave::registry
