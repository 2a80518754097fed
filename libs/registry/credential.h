// SPDX-License-Identifier: Apache-2.0
//
// What a registry wants to know of who asks: a user name and password, or an identity token.

#ifndef STAVE_LIBS_REGISTRY_CREDENTIAL_H_
#define STAVE_LIBS_REGISTRY_CREDENTIAL_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "libs/registry/secret.h"

namespace stave::registry {

struct Credential {
  std::string user;
  Secret password;        // empty where there is an identity token
  Secret identity_token;  // a refresh token, for the token server only
};

// Finds the credential for one registry; nullopt: there is none, ask anonymously. It may take time
// (a credential helper). An error is final: nothing is sent to the registry then.
using CredentialSource = std::function<absl::StatusOr<std::optional<Credential>>()>;

}  // namespace stave::registry

#endif  // STAVE_LIBS_REGISTRY_CREDENTIAL_H_
