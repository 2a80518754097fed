// SPDX-License-Identifier: Apache-2.0
//
// Keeping and forgetting logins, in the files of credentials.h: so that docker and podman find
// ours, and that we forget theirs.
//
// A login replaces the one that would be found; else it goes to Docker's file if there is one, else
// to containers' auth.json, or where --authfile says. Where the file names a credential helper for
// the host, the helper keeps it. A file is replaced whole, by rename, with mode 0600 and its owner;
// a symbolic link stays one; unknown members and their order are kept. Two that write at once wait
// for each other (flock of the folder).

#ifndef STAVE_LIBS_REGISTRY_LOGIN_STORE_H_
#define STAVE_LIBS_REGISTRY_LOGIN_STORE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/registry/credential.h"
#include "libs/registry/credentials.h"

namespace stave::registry {

struct LoginPlace {
  std::string path;    // of the file
  std::string helper;  // "docker-credential-x" if that has the secret; else it is in the file
};

// `host` as of ParseLoginHost. Errors: those of AuthFile, CredentialHelper and of writing; the old
// login is then still there.
absl::StatusOr<LoginPlace> StoreLogin(const CredentialFiles& files, absl::string_view host,
                                      const Credential& login);

// Removes the login of a host wherever it is found, as a whole; false: there was none. One of a
// namespace (reg.io/a) stays. Errors: as above.
absl::StatusOr<bool> EraseLogin(const CredentialFiles& files, absl::string_view host);

// Removes all; returns their keys.
absl::StatusOr<std::vector<std::string>> EraseAllLogins(const CredentialFiles& files);

}  // namespace stave::registry

#endif  // STAVE_LIBS_REGISTRY_LOGIN_STORE_H_
