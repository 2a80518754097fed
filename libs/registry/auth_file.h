// SPDX-License-Identifier: Apache-2.0
//
// One file of logins, Docker's config.json or containers' auth.json, as a value in memory:
//
//   { "auths": { "reg.io:5000": {"auth": "dXNlcjpwYXNzd29yZA=="},
//                "https://index.docker.io/v1/": {"auth": "..", "identitytoken": ".."} },
//     "credHelpers": { "gcr.io": "gcloud" },
//     "credsStore": "secretservice" }
//
// What it does not know, and the order of members, stay as they are.
// Sources: docker/cli cli/config/configfile; containers-auth.json(5).

#ifndef STAVE_LIBS_REGISTRY_AUTH_FILE_H_
#define STAVE_LIBS_REGISTRY_AUTH_FILE_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/json/value.h"
#include "libs/registry/credential.h"

namespace stave::registry {

// A credential helper, and what it is to be asked for.
struct HelperKey {
  std::string suffix;  // of docker-credential-SUFFIX
  std::string server;  // "gcr.io", "https://index.docker.io/v1/"
};

class AuthFile {
 public:
  // `name` is for messages. An empty text is an empty file.
  // Errors: InvalidArgument [E_AUTH_FILE] for what is no JSON object, or has a member of a type
  // that it must not be; never with text of the file but its keys.
  static absl::StatusOr<AuthFile> Parse(absl::string_view text, std::string name);

  // Reads and parses a file of at most 4 MiB; nullopt: there is none. Errors: also those of
  // reading.
  static absl::StatusOr<std::optional<AuthFile>> Read(const std::string& path);

  // Who keeps the logins of a host: its entry in credHelpers, else credsStore; nullopt: the file.
  std::optional<HelperKey> FindHelper(absl::string_view host) const;

  // The login of `repository` ("reg.io/a/b", or a host) that is written here, of the most specific
  // key; nullopt: none. Errors: InvalidArgument [E_AUTH_FILE] for an entry that cannot be read.
  absl::StatusOr<std::optional<Credential>> Find(absl::string_view repository) const;

  // Whether there is an entry for the host as a whole, be it one that only stands for a helper's.
  bool Has(absl::string_view host) const;

  // Writes the login of a host, in place of the old one. nullopt: an entry that stands for what a
  // helper keeps. `new_key` is the key where there is none yet.
  void Set(absl::string_view host, const std::optional<Credential>& login,
           absl::string_view new_key);
  // Removes all entries of the host as a whole; false if there were none.
  bool Remove(absl::string_view host);
  void RemoveAll();

  std::vector<std::string> Keys() const;   // of auths
  std::vector<HelperKey> Helpers() const;  // credHelpers, and credsStore with server ""
  std::string Print() const;               // the whole file, with a newline at its end

 private:
  AuthFile(json::Value root, std::string name) : root_(std::move(root)), name_(std::move(name)) {}
  absl::StatusOr<std::optional<Credential>> Decode(absl::string_view key,
                                                   const json::Value& entry) const;
  absl::Status Error(absl::string_view where, absl::string_view why) const;

  json::Value root_;
  std::string name_;
};

}  // namespace stave::registry

#endif  // STAVE_LIBS_REGISTRY_AUTH_FILE_H_
