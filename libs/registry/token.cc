// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/token.h"

#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/http/www_authenticate.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"
#include "libs/registry/refusal.h"
#include "libs/registry/retry.h"

namespace stave::registry {
namespace {

constexpr size_t kMaxToken = size_t{64} << 10;
constexpr size_t kMaxScopes = 8;
constexpr size_t kMaxScope = 512;
constexpr char kClientId[] = "stave";
constexpr char kHub[] = "registry-1.docker.io";

// Token servers on another host than their registry that are known to belong to it.
constexpr std::pair<const char*, const char*> kTokenServers[] = {
    {kHub, "auth.docker.io"},
    {"registry.gitlab.com", "gitlab.com"},
};

absl::Status Sleep(absl::Duration time, bool) {
  absl::SleepFor(time);
  return absl::OkStatus();
}

absl::Status AuthError(absl::string_view why) {
  return base::Error(absl::StatusCode::kUnauthenticated, "E_AUTH", why);
}

absl::Status Denied(absl::string_view why, absl::string_view hint) {
  return base::WithHint(base::Error(absl::StatusCode::kPermissionDenied, "E_DENIED", why), hint);
}

// The challenge of a 401 to follow: the first for a bearer token, else for a password.
absl::StatusOr<http::Challenge> ChooseChallenge(const http::Response& refused) {
  std::optional<http::Challenge> basic;
  for (const auto& [name, value] : refused.headers) {
    if (name != "www-authenticate") continue;
    STAVE_ASSIGN_OR_RETURN(const std::vector<http::Challenge> challenges,
                           http::ParseChallenges(value));
    for (const http::Challenge& challenge : challenges) {
      if (challenge.scheme == "bearer") return challenge;
      if (challenge.scheme == "basic" && !basic.has_value()) basic = challenge;
    }
  }
  if (basic.has_value()) return *basic;
  return AuthError("the registry answers 401 without saying how to authenticate");
}

std::string BasicHeader(absl::string_view user, const Secret& password) {
  return absl::StrCat("Basic ", absl::Base64Escape(absl::StrCat(user, ":", password.Reveal())));
}

absl::Duration MonotonicClock() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

bool IsGraphic(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isgraph(static_cast<unsigned char>(c)); });
}

// "[::1]:5000" of a URL's host and port; without the port where it is the scheme's.
std::string HostAndPort(const http::Url& url) {
  const std::string origin = http::FormatOrigin(url);
  return origin.substr(url.scheme.size() + 3);
}

}  // namespace

absl::StatusOr<TokenServers> ParseTokenServers(absl::string_view text) {
  TokenServers servers;
  for (const absl::string_view pair : absl::StrSplit(text, ',', absl::SkipWhitespace())) {
    const std::vector<absl::string_view> sides =
        absl::StrSplit(absl::StripAsciiWhitespace(pair), '=');
    const bool good =
        sides.size() == 2 && http::ParseUrl(absl::StrCat("https://", sides[0])).ok() &&
        http::ParseUrl(absl::StrCat("https://", sides[1])).ok() && !absl::StrContains(pair, "/");
    if (!good) {
      return base::Error(
          absl::StatusCode::kInvalidArgument, "E_USAGE",
          absl::StrCat("\"", base::Printable(pair, 120),
                       "\": is not REGISTRY=TOKENSERVER, as reg.example=auth.example"));
    }
    servers.emplace(absl::AsciiStrToLower(sides[0]), absl::AsciiStrToLower(sides[1]));
  }
  return servers;
}

absl::StatusOr<TokenServers> TokenServersOfEnvironment() {
  const char* text = ::getenv("STAVE_TOKEN_SERVERS");
  auto servers = ParseTokenServers(text == nullptr ? "" : text);
  return servers.ok() ? servers : base::WithContext(servers.status(), "STAVE_TOKEN_SERVERS");
}

absl::StatusOr<TokenAnswer> ParseTokenAnswer(absl::string_view json) {
  const auto answer = json::Parse(json);
  if (!answer.ok() || !answer->is_object())
    return AuthError("the token server sent no JSON object");
  // Whoever says nothing, or less than a minute, gets what the specification promises.
  absl::Duration lifetime = absl::Minutes(1);
  if (const json::Value* seconds = answer->Find("expires_in"); seconds != nullptr) {
    const auto number = seconds->AsInt64();
    if (number.ok()) {
      lifetime = std::clamp(absl::Seconds(*number), absl::Minutes(1), absl::Hours(24));
    }
  }
  for (const char* name : {"token", "access_token"}) {
    const json::Value* token = answer->Find(name);
    if (token == nullptr || !token->is_string() || token->text().empty()) continue;
    if (!IsGraphic(token->text()) || token->text().size() > kMaxToken) {
      return AuthError("the token server sent no usable token");
    }
    return TokenAnswer{Secret(token->text()), lifetime};
  }
  return AuthError("the token server sent no token");
}

struct Authorizer::State {
  AuthorizerOptions options;
  mutable std::mutex mutex;  // held over requests: who is refused at the same time needs one token
  bool prepared = false;
  absl::StatusOr<std::optional<Credential>> credential = std::nullopt;

  Secret header;           // what Header() returns
  bool is_bearer = false;  // then these are what it came from
  absl::Duration over;     // on the clock
  http::Url realm;
  std::string service;
  bool trusted = false;       // realm may have the login
  std::string withheld_from;  // host:port of a realm that may not, though there is a login

  explicit State(AuthorizerOptions given) : options(std::move(given)) {
    options.host = absl::AsciiStrToLower(options.host);
    if (!options.clock) options.clock = MonotonicClock;
    if (!options.wait) options.wait = Sleep;
  }

  absl::Status Prepare();
  bool HasLogin() const { return credential.ok() && credential->has_value(); }
  std::string MakeHint() const;
  bool MayHaveLogin(const http::Url& server, const http::Url& registry) const;
  void AddScopes(absl::string_view scopes);
  absl::Status TakeBearer(const http::Challenge& challenge, const http::Response& refused);
  absl::Status UseBasic(absl::string_view used);
  absl::Status GetToken(http::Connection& connection);
  absl::StatusOr<http::Response> Ask(http::Connection& connection, const Credential* login) const;
  absl::StatusOr<http::Response> Send(http::Connection& connection,
                                      const http::Request& request) const;
  http::Request MakeGet(const Credential* login) const;
  http::Request MakePost(const Credential& login) const;
  absl::Status MapAnswer(int status, const Credential* login) const;
};

absl::Status Authorizer::State::Prepare() {
  if (!prepared && options.credential) credential = options.credential();
  prepared = true;
  return credential.status();
}

std::string Authorizer::State::MakeHint() const {
  if (!withheld_from.empty()) {
    return absl::StrCat("the login was kept from ", base::Printable(withheld_from),
                        ", which is not known to belong to the registry; if it does: "
                        "STAVE_TOKEN_SERVERS=",
                        base::Printable(options.host), "=", base::Printable(withheld_from));
  }
  return absl::StrCat("the image does not exist, or it is private",
                      HasLogin() ? " and not for this login" : "", ": ",
                      LoginCommand(options.host));
}

bool Authorizer::State::MayHaveLogin(const http::Url& server, const http::Url& registry) const {
  if (server.host == registry.host) return true;
  if (server.scheme != "https") return false;
  for (const auto& [of, known] : kTokenServers) {
    if (options.host == of && server.host == known && server.port == 443) return true;
  }
  const auto [begin, end] = options.token_servers.equal_range(options.host);
  return std::any_of(begin, end, [&](const auto& entry) {
    const auto known = http::ParseUrl(absl::StrCat("https://", entry.second));
    return known.ok() && http::SameOrigin(*known, server);
  });
}

void Authorizer::State::AddScopes(absl::string_view scopes) {
  for (const absl::string_view scope : absl::StrSplit(scopes, ' ', absl::SkipEmpty())) {
    const bool known =
        std::find(options.scopes.begin(), options.scopes.end(), scope) != options.scopes.end();
    if (known || options.scopes.size() >= kMaxScopes || scope.size() > kMaxScope) continue;
    if (IsGraphic(scope)) options.scopes.emplace_back(scope);
  }
}

absl::Status Authorizer::State::TakeBearer(const http::Challenge& challenge,
                                           const http::Response& refused) {
  STAVE_ASSIGN_OR_RETURN(realm, http::CheckRealm(challenge.Get("realm"), refused.url));
  service = challenge.Get("service");
  if (challenge.Get("error") == "insufficient_scope") AddScopes(challenge.Get("scope"));
  trusted = MayHaveLogin(realm, refused.url);
  withheld_from = !trusted && HasLogin() ? HostAndPort(realm) : "";
  is_bearer = true;
  return absl::OkStatus();
}

absl::Status Authorizer::State::UseBasic(absl::string_view used) {
  if (!HasLogin()) {
    return Denied("the registry asks for a user name and password", LoginCommand(options.host));
  }
  const Credential& login = **credential;
  if (!login.identity_token.empty()) {
    return Denied("the registry asks for a password, and the login has an identity token only",
                  LoginCommand(options.host));
  }
  const std::string basic = BasicHeader(login.user, login.password);
  if (basic == used) {
    return Denied(
        absl::StrCat("the registry does not accept the login of ", base::Printable(login.user, 80)),
        LoginCommand(options.host));
  }
  header = Secret(basic);
  is_bearer = false;
  return absl::OkStatus();
}

http::Request Authorizer::State::MakeGet(const Credential* login) const {
  http::Request request;
  request.url = realm;
  request.same_origin = true;
  std::vector<std::string> query;
  if (!service.empty()) query.push_back(absl::StrCat("service=", http::EscapeQuery(service)));
  for (const std::string& scope : options.scopes) {
    query.push_back(absl::StrCat("scope=", http::EscapeQuery(scope)));
  }
  query.push_back(absl::StrCat("client_id=", kClientId));
  if (login != nullptr) {
    const bool identity = !login->identity_token.empty();
    const std::string user = identity && login->user.empty() ? "<token>" : login->user;
    if (!identity) query.push_back(absl::StrCat("account=", http::EscapeQuery(user)));
    request.authorization = BasicHeader(user, identity ? login->identity_token : login->password);
  }
  absl::StrAppend(&request.url.target, absl::StrContains(realm.target, "?") ? "&" : "?",
                  absl::StrJoin(query, "&"));
  return request;
}

http::Request Authorizer::State::MakePost(const Credential& login) const {
  http::Request request;
  request.method = http::Method::kPost;
  request.url = realm;
  request.same_origin = true;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  request.payload = absl::StrCat(
      "grant_type=refresh_token&service=", http::EscapeQuery(service), "&client_id=", kClientId,
      "&scope=", http::EscapeQuery(absl::StrJoin(options.scopes, " ")),
      "&refresh_token=", http::EscapeQuery(login.identity_token.Reveal()));
  return request;
}

absl::StatusOr<http::Response> Authorizer::State::Send(http::Connection& connection,
                                                       const http::Request& request) const {
  RetryLimits limits;
  limits.back_off = options.back_off;
  Tries tries(limits, absl::Now(), RandomSeed());
  while (true) {
    absl::StatusOr<http::Response> outcome = connection.Perform(request);
    const auto wait = tries.Next(outcome, absl::Now());
    if (!wait.has_value()) return outcome;
    if (options.trace) {
      options.trace(absl::StrCat("token server: again in ", absl::FormatDuration(*wait)));
    }
    const bool asked = outcome.ok() && RetryAfter(*outcome, absl::Now()).has_value();
    STAVE_RETURN_IF_ERROR(options.wait(*wait, asked));
  }
}

absl::StatusOr<http::Response> Authorizer::State::Ask(http::Connection& connection,
                                                      const Credential* login) const {
  if (login != nullptr && !login->identity_token.empty()) {
    STAVE_ASSIGN_OR_RETURN(http::Response response, Send(connection, MakePost(*login)));
    if (response.status != 404 && response.status != 405) return response;
  }
  return Send(connection, MakeGet(login));
}

absl::Status Authorizer::State::MapAnswer(int status, const Credential* login) const {
  const std::string server = absl::StrCat("the token server ", base::Printable(HostAndPort(realm)));
  if (status == 401 || status == 403 || (status == 400 && login != nullptr)) {
    if (login == nullptr) {
      return Denied(absl::StrCat(server, " gives no token without a login"), MakeHint());
    }
    return Denied(absl::StrCat(server, " does not accept the login",
                               login->user.empty() ? "" : " of ", base::Printable(login->user, 80)),
                  LoginCommand(options.host));
  }
  const std::string said = absl::StrCat(server, " answers with status ", status);
  if (status == 429) return base::Error(absl::StatusCode::kResourceExhausted, "E_RATE", said);
  if (status >= 500) return base::Error(absl::StatusCode::kUnavailable, "E_REMOTE", said);
  return AuthError(said);
}

absl::Status Authorizer::State::GetToken(http::Connection& connection) {
  const Credential* login = trusted && HasLogin() ? &**credential : nullptr;
  if (!withheld_from.empty() && options.trace) {
    options.trace(absl::StrCat("the login is kept from ", base::Printable(withheld_from)));
  }
  const absl::Duration asked = options.clock();
  STAVE_ASSIGN_OR_RETURN(const http::Response response, Ask(connection, login));
  if (response.status != 200) return MapAnswer(response.status, login);
  STAVE_ASSIGN_OR_RETURN(const TokenAnswer answer, ParseTokenAnswer(response.body));
  header = Secret(absl::StrCat("Bearer ", answer.token.Reveal()));
  over = asked + answer.lifetime;
  return absl::OkStatus();
}

Authorizer::Authorizer(AuthorizerOptions options) : state_(new State(std::move(options))) {}
Authorizer::Authorizer(Authorizer&&) noexcept = default;
Authorizer::~Authorizer() = default;

absl::Status Authorizer::Prepare() {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->Prepare();
}

absl::StatusOr<std::string> Authorizer::Header(http::Connection& connection) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  STAVE_RETURN_IF_ERROR(state_->Prepare());
  if (state_->is_bearer && !state_->header.empty() && state_->options.clock() >= state_->over) {
    STAVE_RETURN_IF_ERROR(state_->GetToken(connection));
  }
  return state_->header.Reveal();
}

absl::Status Authorizer::Renew(http::Connection& connection, const http::Response& refused,
                               absl::string_view used) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  STAVE_RETURN_IF_ERROR(state_->Prepare());
  if (state_->header.Reveal() != used) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(const http::Challenge challenge, ChooseChallenge(refused));
  if (challenge.scheme == "basic") return state_->UseBasic(used);
  STAVE_RETURN_IF_ERROR(state_->TakeBearer(challenge, refused));
  return state_->GetToken(connection);
}

std::string Authorizer::Hint() const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->MakeHint();
}

}  // namespace stave::registry
