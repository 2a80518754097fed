// SPDX-License-Identifier: Apache-2.0
//
// What a name without a registry may mean.
//
//   "alpine"         docker.io/library/alpine      where no registries.conf says otherwise
//   "fedora:40"      registry.fedoraproject.org/fedora:40   an alias
//   "web"            each of unqualified-search-registries  /web
//
// Source: containers-registries.conf(5) "NOTE: RISK OF USING UNQUALIFIED IMAGE NAMES".

#ifndef STAVE_LIBS_REGISTRY_SHORT_NAME_H_
#define STAVE_LIBS_REGISTRY_SHORT_NAME_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/registry/registries_conf.h"

namespace stave::registry {

// Whether `text` names no registry: nothing before its first slash could be a host.
bool IsShortName(absl::string_view text);

// The full names that `text`, a short name with its tag or digest, may mean, the most wanted first;
// at least one. Pure. Errors: NotFound [E_SHORT_NAME] if the search list is empty;
// InvalidArgument [E_REGISTRIES_CONF] for an alias that is no repository's name.
absl::StatusOr<std::vector<std::string>> ExpandShortName(const RegistriesConf& conf,
                                                         absl::string_view text);

}  // namespace stave::registry

#endif  // STAVE_LIBS_REGISTRY_SHORT_NAME_H_
