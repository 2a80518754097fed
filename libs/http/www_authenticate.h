// SPDX-License-Identifier: Apache-2.0
//
// What a registry asks for when it answers 401:
//
//   WWW-Authenticate: Bearer
//   realm="https://auth.example/token",service="reg",scope="repository:a:pull" WWW-Authenticate:
//   Basic realm="The registry", Bearer realm="https://..."
//
// Several challenges may share a line or come in several. The text is hostile: it is bounded, and
// whatever does not follow the grammar makes the whole header an error rather than a guess.
// Sources: RFC 9110 section 11.6.1; distribution docs/spec/auth/token.md.

#ifndef STAVE_LIBS_HTTP_WWW_AUTHENTICATE_H_
#define STAVE_LIBS_HTTP_WWW_AUTHENTICATE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/http/url.h"

namespace stave::http {

struct Challenge {
  std::string scheme;                                           // lower case: "bearer", "basic"
  std::vector<std::pair<std::string, std::string>> parameters;  // names in lower case

  // The parameter `name`, or "".
  std::string Get(absl::string_view name) const;
};

// The challenges of one header line, in order; a token68 (`Negotiate a2==`) is skipped. Errors:
// InvalidArgument [E_AUTH] for more than 4096 bytes, more than 16 challenges or 32 parameters, an
// unterminated quote, a parameter twice, control characters, anything else outside the grammar.
absl::StatusOr<std::vector<Challenge>> ParseChallenges(absl::string_view line);

// Where a token may be asked for: the realm of a bearer challenge that `registry` sent, if it may
// be trusted with a request at all. https; http only where the registry itself is spoken to in
// http. Loopback, private and link-local IP literals and localhost only if it is the registry's own
// host. Errors: PermissionDenied [E_AUTH] with the reason; InvalidArgument [E_URL].
absl::StatusOr<Url> CheckRealm(absl::string_view realm, const Url& registry);

}  // namespace stave::http

#endif  // STAVE_LIBS_HTTP_WWW_AUTHENTICATE_H_
