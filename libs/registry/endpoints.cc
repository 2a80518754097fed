// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/endpoints.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/http/url.h"
#include "libs/registry/login_host.h"

namespace stave::registry {
namespace {

// How many bytes of `name`, "host[:port]/path", the prefix stands for; 0: it does not match.
size_t Match(absl::string_view name, absl::string_view prefix) {
  if (absl::ConsumePrefix(&prefix, "*")) {
    const absl::string_view host = name.substr(0, name.find('/'));
    return host.size() > prefix.size() && absl::EndsWith(host, prefix) ? host.size() : 0;
  }
  if (!absl::StartsWith(name, prefix)) return 0;
  return name.size() == prefix.size() || name[prefix.size()] == '/' ? prefix.size() : 0;
}

const RegistryEntry* FindEntry(const RegistriesConf& conf, absl::string_view name) {
  const RegistryEntry* found = nullptr;
  for (const RegistryEntry& entry : conf.registries) {
    if (Match(name, entry.prefix) == 0) continue;
    if (found == nullptr || entry.prefix.size() > found->prefix.size()) found = &entry;
  }
  return found;
}

absl::StatusOr<Endpoint> MakeEndpoint(absl::string_view name, bool insecure, bool mirror) {
  const size_t slash = name.find('/');
  STAVE_ASSIGN_OR_RETURN(
      const oci::Reference reference,
      oci::Reference::FromParts(name.substr(0, slash), name.substr(slash + 1), "latest"));
  return Endpoint{reference.ApiHost(), reference.path(),
                  absl::StrCat(reference.domain(), "/", reference.path()), insecure, mirror};
}

bool Serves(const Mirror& mirror, const oci::Reference& reference) {
  if (mirror.pull == PullFromMirror::kAll) return true;
  return (mirror.pull == PullFromMirror::kDigestOnly) == reference.digest().has_value();
}

}  // namespace

absl::StatusOr<std::vector<Endpoint>> PlanEndpoints(const RegistriesConf& conf,
                                                    const oci::Reference& reference) {
  const std::string name = absl::StrCat(reference.domain(), "/", reference.path());
  const RegistryEntry* entry = FindEntry(conf, name);
  if (entry == nullptr) {
    return std::vector<Endpoint>{{reference.ApiHost(), reference.path(), name}};
  }
  if (entry->blocked) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "E_BLOCKED",
                       absl::StrCat(name, ": registries.conf blocks \"", entry->prefix, "\""));
  }
  const std::string rest = name.substr(Match(name, entry->prefix));
  std::vector<Endpoint> endpoints;
  for (const Mirror& mirror : entry->mirrors) {
    if (!Serves(mirror, reference)) continue;
    STAVE_ASSIGN_OR_RETURN(Endpoint endpoint, MakeEndpoint(absl::StrCat(mirror.location, rest),
                                                           mirror.insecure, /*mirror=*/true));
    endpoints.push_back(std::move(endpoint));
  }
  const std::string own = entry->location.empty() ? name : absl::StrCat(entry->location, rest);
  STAVE_ASSIGN_OR_RETURN(Endpoint endpoint, MakeEndpoint(own, entry->insecure, /*mirror=*/false));
  endpoints.push_back(std::move(endpoint));
  return endpoints;
}

absl::StatusOr<std::string> InsecureHost(const RegistriesConf& conf, const std::string& name) {
  STAVE_ASSIGN_OR_RETURN(const auto any, oci::Reference::FromParts(name, "any/image", "latest"));
  STAVE_ASSIGN_OR_RETURN(const auto endpoints, PlanEndpoints(conf, any));
  const Endpoint& own = endpoints.back();
  if (!own.insecure || own.host != ApiHostOf(name)) return std::string();
  STAVE_ASSIGN_OR_RETURN(const http::Url url, http::ParseUrl(absl::StrCat("https://", name)));
  return url.host;
}

}  // namespace stave::registry
