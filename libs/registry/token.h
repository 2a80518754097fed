// SPDX-License-Identifier: Apache-2.0
//
// The bearer token of one repository: asked for when a registry refuses with 401, kept, renewed.
//
//   401, WWW-Authenticate: Bearer realm="https://auth.example/token",service="s",scope="..."
//   GET https://auth.example/token?service=s&scope=repository%3Alibrary%2Falpine%3Apull
//   {"token":"eyJ..","expires_in":300}
//
// No credentials are sent. Any thread may call. The token is in no message and no trace.
// Source: distribution docs/spec/auth/token.md.

#ifndef STAVE_LIBS_IMAGE_BEARER_TOKEN_H_
#define STAVE_LIBS_IMAGE_BEARER_TOKEN_H_

#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/http/transfer.h"
#include "libs/http/url.h"

namespace stave::image {

class BearerToken {
 public:
  // `path` "library/alpine": what is asked for is always `repository:PATH:pull`.
  explicit BearerToken(std::string path) : path_(std::move(path)) {}

  // The value of the Authorization header: "Bearer ..", or "" as long as there is no token.
  std::string Authorization();

  // Gets a token after `refused`, the 401 that a request with the header `used` was answered with.
  // If another thread has renewed it since, nothing is asked.
  // Errors: PermissionDenied [E_DENIED] if the registry wants a user name and password;
  // Unauthenticated [E_AUTH] for a challenge that cannot be followed, a realm that is not trusted
  // and an answer without token; those of http::Connection.
  absl::Status Renew(http::Connection& connection, const http::Response& refused,
                     absl::string_view used);

 private:
  absl::StatusOr<std::string> Ask(http::Connection& connection, const http::Response& refused);

  const std::string path_;
  std::mutex mutex_;
  std::string authorization_;
};

// The token in the answer of a token server. Errors: Unauthenticated [E_AUTH], never with the text
// of the answer.
absl::StatusOr<std::string> ParseTokenAnswer(absl::string_view json);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_BEARER_TOKEN_H_
