// SPDX-License-Identifier: Apache-2.0
//
// What a registry means by an answer that is not the wanted one, in words for the user.
//
//   404 {"errors":[{"code":"MANIFEST_UNKNOWN","message":"..."}]}   [E_NOT_FOUND]
//   401, 403                                                       [E_DENIED]
//   429, Retry-After: 3600, ratelimit-remaining: 0;w=21600         [E_RATE]
//
// What the registry says itself is quoted, made printable and cut. Sources: distribution-spec 1.1
// "Error codes"; Docker Hub's "Usage and limits".

#ifndef STAVE_LIBS_REGISTRY_REFUSAL_H_
#define STAVE_LIBS_REGISTRY_REFUSAL_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/http/transfer.h"
#include "libs/http/url.h"

namespace stave::registry {

// What the message says, or ends with, where the repository or the manifest is unknown.
inline constexpr char kNoSuchRepository[] = "the registry has no such repository";
inline constexpr char kNoSuchImage[] = "the repository has no such image";

// `registry` is where was asked; an answer of a place that it redirected to is told as that
// place's. `login_hint` is for access denied; `now` is what Retry-After counts from.
// Always an error: NotFound [E_NOT_FOUND], PermissionDenied [E_DENIED], ResourceExhausted [E_RATE],
// Unavailable [E_REMOTE] for all others.
absl::Status RefusalOf(const http::Response& response, const http::Url& registry,
                       absl::string_view login_hint, absl::Time now);

// The texts of `Warning: 299 - "text"` lines, made printable; source: RFC 7234 section 5.5.
std::vector<std::string> WarningsOf(const http::Response& response);

// The command that logs in to the registry whose API is at `host`, "quay.io" or "10.0.0.1:5000".
std::string LoginCommand(absl::string_view host);

}  // namespace stave::registry

#endif  // STAVE_LIBS_REGISTRY_REFUSAL_H_
