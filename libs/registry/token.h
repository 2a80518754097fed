// SPDX-License-Identifier: Apache-2.0
//
// What goes into the Authorization header of requests to one registry: nothing until it refuses
// with 401, then what it asked for, kept and renewed.
//
//   401, WWW-Authenticate: Bearer realm="https://auth.example/token",service="s",scope="..."
//   GET https://auth.example/token?service=s&scope=repository%3Alibrary%2Falpine%3Apull
//   {"token":"eyJ..","expires_in":300}
//
//   401, WWW-Authenticate: Basic realm="..."      the user name and password, to the registry
//
// - A user name and password go to a token server on the registry's own host, to those of a
//   built-in list (auth.docker.io for Docker Hub) and to those of `token_servers`. Any other is
//   asked anonymously. An identity token is posted to the same servers, grant_type=refresh_token;
//   one that knows no POST (404, 405) is asked with GET, the token in place of a password.
// - A token is renewed before a request once its time (expires_in; 60 seconds at least, and where
//   nothing is said) has gone by on a clock that nobody sets, and after a 401.
// - error="insufficient_scope" in a 401: the scope that it names is asked for too, from then on.
// - 429, 5xx and broken connections of a token server are tried again as retry.h says.
//
// Any thread may call. Secrets are in no message and no trace.
// Sources: distribution docs/spec/auth/{token,oauth,scope}.md; RFC 6750; RFC 7617.

#ifndef STAVE_LIBS_REGISTRY_TOKEN_H_
#define STAVE_LIBS_REGISTRY_TOKEN_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/http/transfer.h"
#include "libs/http/url.h"
#include "libs/registry/credential.h"
#include "libs/registry/secret.h"

namespace stave::registry {

// Registry ("reg.example:5000") -> the token server, elsewhere, that may have its passwords
// ("auth.example"; https, port 443 if none is said).
using TokenServers = std::multimap<std::string, std::string>;

// "reg.example=auth.example,other.example:5000=auth.example:8443", as in STAVE_TOKEN_SERVERS.
// Errors: InvalidArgument [E_USAGE].
absl::StatusOr<TokenServers> ParseTokenServers(absl::string_view text);
// What STAVE_TOKEN_SERVERS in the environment says; none without it. Errors: as above.
absl::StatusOr<TokenServers> TokenServersOfEnvironment();

struct AuthorizerOptions {
  std::string host;                 // of the registry's API, "registry-1.docker.io"
  std::vector<std::string> scopes;  // "repository:library/alpine:pull"; none for a login
  CredentialSource credential;      // empty: anonymous
  TokenServers token_servers;
  absl::Duration back_off = absl::Milliseconds(500);  // as in retry.h
  std::function<void(absl::string_view)> trace;       // holds no secrets
  // Waits before a further try; `asked`: as the token server asks. An error ends the tries with it.
  // Default: sleeps.
  std::function<absl::Status(absl::Duration, bool asked)> wait;
  std::function<absl::Duration()> clock;  // default: the monotonic clock
};

class Authorizer {
 public:
  explicit Authorizer(AuthorizerOptions options);
  Authorizer(Authorizer&&) noexcept;
  ~Authorizer();

  // Asks for the credential, once, before anything is sent. Errors: those of its source, each time.
  absl::Status Prepare();

  // The value of the header: "Bearer ..", "Basic ..", or "" as long as nothing was asked for. Gets
  // a new token where the time of the last one is over. Errors: as of Renew.
  absl::StatusOr<std::string> Header(http::Connection& connection);

  // Gets a header after `refused`, the 401 of the registry to a request with the header `used`. If
  // another thread has got one since, nothing is asked.
  // Errors: PermissionDenied [E_DENIED] if a login is wanted and there is none, or it is not
  // accepted; Unauthenticated [E_AUTH] for a challenge that cannot be followed, a realm that is not
  // trusted and an answer without token; ResourceExhausted [E_RATE], Unavailable [E_REMOTE] of a
  // token server; those of the credential, of `wait` and of http::Connection.
  absl::Status Renew(http::Connection& connection, const http::Response& refused,
                     absl::string_view used);

  // What to do when the registry denies access all the same, in one line.
  std::string Hint() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct TokenAnswer {
  Secret token;
  absl::Duration lifetime;  // at least a minute, at most a day
};

// The answer of a token server. Errors: Unauthenticated [E_AUTH], never with the text of the
// answer.
absl::StatusOr<TokenAnswer> ParseTokenAnswer(absl::string_view json);

}  // namespace stave::registry

#endif  // STAVE_LIBS_REGISTRY_TOKEN_H_
