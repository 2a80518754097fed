// SPDX-License-Identifier: Apache-2.0
//
// A program that keeps passwords for others, docker-credential-SUFFIX, found in PATH.
//
//   get     stdin "reg.io"        stdout {"ServerURL":"reg.io","Username":"ann","Secret":".."}
//   store   stdin the same JSON
//   erase   stdin "reg.io"
//   list    stdout {"reg.io":"ann"}
//
// A user name of "<token>" means that the secret is an identity token. A helper reports a failure
// on stdout and exits with 1; "credentials not found in native keychain" is none: it has no login.
// Its stderr and its terminal are the caller's. Source: docker-credential-helpers, README.

#ifndef STAVE_LIBS_REGISTRY_CREDENTIAL_HELPER_H_
#define STAVE_LIBS_REGISTRY_CREDENTIAL_HELPER_H_

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/registry/credential.h"

namespace stave::registry {

struct HelperLimits {
  absl::Duration time = absl::Minutes(2);  // somebody may have to type a passphrase
  size_t bytes = size_t{64} << 10;         // of its answer; and of what it is given
};

// All errors are [E_HELPER], name the program and hold no secret: NotFound where it is not in PATH
// (of which relative folders count for nothing), InvalidArgument for a SUFFIX with other characters
// than letters, digits, '.', '_' and '-', DeadlineExceeded after which it is killed, Internal for a
// failure or an answer that is not understood, ResourceExhausted for one that is too long.
class CredentialHelper {
 public:
  static absl::StatusOr<CredentialHelper> Open(absl::string_view suffix,
                                               HelperLimits limits = HelperLimits());

  // nullopt: it has no login for `server`.
  absl::StatusOr<std::optional<Credential>> Get(absl::string_view server) const;
  // InvalidArgument for a name or secret that is not UTF-8.
  absl::Status Store(absl::string_view server, const Credential& login) const;
  // false: there was none.
  absl::StatusOr<bool> Erase(absl::string_view server) const;
  absl::StatusOr<std::vector<std::string>> List() const;  // the servers

 private:
  CredentialHelper(std::string path, HelperLimits limits)
      : path_(std::move(path)), limits_(limits) {}
  // Its stdout; nullopt: "credentials not found".
  absl::StatusOr<std::optional<std::string>> Run(absl::string_view act,
                                                 absl::string_view input) const;
  absl::StatusOr<std::pair<int, std::string>> Exchange(absl::string_view act,
                                                       absl::string_view input) const;
  absl::Status Failure(absl::StatusCode code, absl::string_view act, absl::string_view why) const;

  std::string path_;
  HelperLimits limits_;
};

}  // namespace stave::registry

#endif  // STAVE_LIBS_REGISTRY_CREDENTIAL_HELPER_H_
