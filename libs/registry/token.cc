// SPDX-License-Identifier: Apache-2.0
#include "libs/image/bearer_token.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/http/www_authenticate.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"

namespace stave::image {
namespace {

constexpr size_t kMaxToken = size_t{64} << 10;

absl::Status AuthError(absl::string_view why) {
  return base::Error(absl::StatusCode::kUnauthenticated, "E_AUTH", why);
}

// The first bearer challenge of a 401.
absl::StatusOr<http::Challenge> FindBearer(const http::Response& refused) {
  bool basic = false;
  for (const auto& [name, value] : refused.headers) {
    if (name != "www-authenticate") continue;
    STAVE_ASSIGN_OR_RETURN(const std::vector<http::Challenge> challenges,
                           http::ParseChallenges(value));
    for (const http::Challenge& challenge : challenges) {
      if (challenge.scheme == "bearer") return challenge;
      basic = basic || challenge.scheme == "basic";
    }
  }
  if (basic) {
    return base::Error(absl::StatusCode::kPermissionDenied, "E_DENIED",
                       "the registry asks for a user name and password");
  }
  return AuthError("the registry answers 401 without saying how to authenticate");
}

std::string Escape(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) || absl::StrContains("-._~", absl::string_view(&c, 1))) {
      escaped.push_back(c);
    } else {
      absl::StrAppend(&escaped, "%", absl::Hex(byte, absl::kZeroPad2));
    }
  }
  return escaped;
}

}  // namespace

absl::StatusOr<std::string> ParseTokenAnswer(absl::string_view json) {
  const auto answer = json::Parse(json);
  if (!answer.ok() || !answer->is_object())
    return AuthError("the token server sent no JSON object");
  for (const char* name : {"token", "access_token"}) {
    const json::Value* token = answer->Find(name);
    if (token == nullptr || !token->is_string() || token->text().empty()) continue;
    const std::string& text = token->text();
    const bool clean = std::all_of(text.begin(), text.end(), [](char c) {
      return absl::ascii_isgraph(static_cast<unsigned char>(c));
    });
    if (!clean || text.size() > kMaxToken)
      return AuthError("the token server sent no usable token");
    return text;
  }
  return AuthError("the token server sent no token");
}

std::string BearerToken::Authorization() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return authorization_;
}

absl::StatusOr<std::string> BearerToken::Ask(http::Connection& connection,
                                             const http::Response& refused) {
  STAVE_ASSIGN_OR_RETURN(const http::Challenge challenge, FindBearer(refused));
  STAVE_ASSIGN_OR_RETURN(http::Url url, http::CheckRealm(challenge.Get("realm"), refused.url));
  absl::StrAppend(&url.target, absl::StrContains(url.target, "?") ? "&" : "?");
  if (const std::string service = challenge.Get("service"); !service.empty()) {
    absl::StrAppend(&url.target, "service=", Escape(service), "&");
  }
  absl::StrAppend(&url.target, "scope=", Escape(absl::StrCat("repository:", path_, ":pull")));
  http::Request request;
  request.url = std::move(url);
  STAVE_ASSIGN_OR_RETURN(const http::Response response, connection.Perform(request));
  if (response.status == 401 || response.status == 403) {
    return base::Error(absl::StatusCode::kPermissionDenied, "E_DENIED",
                       "the token server gives no token without an account");
  }
  if (response.status != 200) {
    return AuthError(absl::StrCat("the token server answers with status ", response.status));
  }
  return ParseTokenAnswer(response.body);
}

absl::Status BearerToken::Renew(http::Connection& connection, const http::Response& refused,
                                absl::string_view used) {
  // Held over the request: threads that are refused at the same time need only one token.
  const std::lock_guard<std::mutex> lock(mutex_);
  if (authorization_ != used) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(const std::string token, Ask(connection, refused));
  authorization_ = absl::StrCat("Bearer ", token);
  return absl::OkStatus();
}

}  // namespace stave::image
