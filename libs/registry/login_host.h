// SPDX-License-Identifier: Apache-2.0
//
// By what name a login belongs to a registry, and which keys of a file of logins mean it.
//
//   docker.io      Docker Hub, whatever it is called: index.docker.io, registry-1.docker.io,
//                  "https://index.docker.io/v1/"
//   reg.io:5000    any other: host and port, in lower case
//
// Sources: docker/cli registry.ConvertToHostname; containers-auth.json(5).

#ifndef STAVE_LIBS_REGISTRY_LOGIN_HOST_H_
#define STAVE_LIBS_REGISTRY_LOGIN_HOST_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stave::registry {

// Docker's key for Docker Hub, in its files and for credential helpers.
inline constexpr char kHubKey[] = "https://index.docker.io/v1/";

// What a person names: "reg.io:5000", "https://reg.io/v2/", "docker.io", "".
// "" is docker.io. Errors: InvalidArgument [E_USAGE] for what is no host.
absl::StatusOr<std::string> ParseLoginHost(absl::string_view text);

// The host of the registry's API: "registry-1.docker.io" for docker.io.
std::string ApiHostOf(absl::string_view login_host);

// How much of `repository` ("docker.io/library/alpine", "reg.io:5000") the key of a file names, in
// characters; 0: it means another. "reg.io", "https://reg.io", "https://reg.io/v1/" and
// "reg.io/v2/" mean the host; "reg.io/a" also names a namespace. Hosts are equal, whole.
size_t KeyMatch(absl::string_view key, absl::string_view repository);

}  // namespace stave::registry

#endif  // STAVE_LIBS_REGISTRY_LOGIN_HOST_H_
