// SPDX-License-Identifier: Apache-2.0
//
// Which user name and password, or identity token, belong to a registry: what `docker login`,
// `podman login` and registry-login have stored.
//
//   --authfile F                                then nothing else is read
//   $DOCKER_AUTH_CONFIG                         {"auths":{..}}, read only
//   $REGISTRY_AUTH_FILE                         then nothing else is read
//   $XDG_RUNTIME_DIR/containers/auth.json       without that variable /run/containers/UID/auth.json
//   $XDG_CONFIG_HOME/containers/auth.json       (default ~/.config)
//   $DOCKER_CONFIG/config.json                  (default ~/.docker)
//
// The first that knows the registry wins. A key is a host[:port], or, in containers' files, also
// host/namespace[/repository]: the most specific wins. The host must be equal, whole; Docker Hub is
// "docker.io" and "https://index.docker.io/v1/". A credential helper that is configured for a host
// is asked before the entries of its file; one that fails is an error: nothing is then sent to
// anybody.
//
// Sources: containers-auth.json(5); docker/cli configfile; docker-credential-helpers protocol.

#ifndef STAVE_LIBS_REGISTRY_CREDENTIALS_H_
#define STAVE_LIBS_REGISTRY_CREDENTIALS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/registry/credential.h"
#include "libs/registry/credential_helper.h"
#include "libs/registry/secret.h"

namespace stave::registry {

// Where to look.
struct CredentialFiles {
  Secret from_environment;         // the text of DOCKER_AUTH_CONFIG, or empty
  std::vector<std::string> paths;  // in order; those that do not exist are skipped
  std::string docker;              // which of them is Docker's; "" if none
  bool given = false;              // the only path was named by the user: it must exist
  HelperLimits helper;
};

// From the environment, and the value of --authfile ("": not given).
CredentialFiles FindCredentialFiles(absl::string_view authfile);

// The credential for `repository`, "docker.io/library/alpine" or "host:port/a/b" (or a bare host);
// nullopt: there is none, ask anonymously. Errors: those of the files ([E_AUTH_FILE]: no JSON, bad
// base64, naming file and key, never the secret; NotFound where one was given and is not there) and
// of a helper ([E_HELPER]).
absl::StatusOr<std::optional<Credential>> FindCredential(const CredentialFiles& files,
                                                         absl::string_view repository);

}  // namespace stave::registry

#endif  // STAVE_LIBS_REGISTRY_CREDENTIALS_H_
