// SPDX-License-Identifier: Apache-2.0
//
// Where an image is asked for, in order: the mirrors that registries.conf names, then the registry.

#ifndef STAVE_LIBS_REGISTRY_ENDPOINTS_H_
#define STAVE_LIBS_REGISTRY_ENDPOINTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/oci/reference.h"
#include "libs/registry/registries_conf.h"

namespace stave::registry {

struct Endpoint {
  std::string host;        // API host, "registry-1.docker.io", "10.0.0.1:5000"
  std::string path;        // of the repository there, "library/alpine"
  std::string repository;  // as people and credentials name it: "docker.io/library/alpine"
  bool insecure = false;   // certificates are not checked, and http may be spoken
  bool mirror = false;
};

// Pure. Without a matching entry: the reference's own registry alone.
// Errors: FailedPrecondition [E_BLOCKED] naming the prefix that blocks it.
absl::StatusOr<std::vector<Endpoint>> PlanEndpoints(const RegistriesConf& conf,
                                                    const oci::Reference& reference);

// The host of the registry `name` ("reg.io:5000", as in login_host.h) if `conf` calls it insecure,
// as http::Options.insecure_host has it; else "". Errors: as above; those of oci::Reference and
// http::ParseUrl for what is no host.
absl::StatusOr<std::string> InsecureHost(const RegistriesConf& conf, const std::string& name);

}  // namespace stave::registry

#endif  // STAVE_LIBS_REGISTRY_ENDPOINTS_H_
