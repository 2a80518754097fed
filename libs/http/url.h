// SPDX-License-Identifier: Apache-2.0
//
// Addresses of HTTP requests: what they are made of, where a Location leads, and which host may be
// spoken to in plain text.
//
//   http://127.0.0.1:5000/v2/library/alpine/manifests/latest
//   scheme  host      port  target
//
// An origin is (scheme, host, port): credentials belong to one. Sources: RFC 3986; RFC 6454.

#ifndef STAVE_LIBS_HTTP_URL_H_
#define STAVE_LIBS_HTTP_URL_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stave::http {

struct Url {
  std::string scheme;  // "http" or "https"
  std::string host;    // lower case; an IPv6 literal without its brackets
  uint16_t port = 0;   // never 0: the scheme's default is filled in
  std::string target;  // path and query, from the first '/'
};

// An absolute URL. Errors: InvalidArgument [E_URL] for another scheme, user names or passwords
// before the host, no host, white space or control characters, more than 8192 bytes.
absl::StatusOr<Url> ParseUrl(absl::string_view text);

// Where a Location header that `base` answered with leads: absolute or relative. Errors: as
// ParseUrl.
absl::StatusOr<Url> ResolveUrl(const Url& base, absl::string_view location);

// "https://host/path?query"; the port only where it is not the scheme's.
std::string FormatUrl(const Url& url);

// "https://host:port", the scheme and host of messages: a query may hold a secret.
std::string FormatOrigin(const Url& url);

// Text as the value of a query's parameter: what is not a letter, a digit or one of -._~ as %XX.
std::string EscapeQuery(absl::string_view text);

bool SameOrigin(const Url& a, const Url& b);

// 127.0.0.0/8, ::1, "localhost" and names below ".localhost": what never leaves this machine.
bool IsLoopback(absl::string_view host);

// An IP address literal that is loopback, link-local, private, unspecified or multicast: where a
// server elsewhere has no business to send us.
bool IsPrivateLiteral(absl::string_view host);

}  // namespace stave::http

#endif  // STAVE_LIBS_HTTP_URL_H_
