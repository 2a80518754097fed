// SPDX-License-Identifier: Apache-2.0
//
// registries.conf: a file twice is the file once, and whatever it says, what is asked for has a
// host and a path and leaves neither.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/oci/reference.h"
#include "libs/registry/endpoints.h"
#include "libs/registry/registries_conf.h"
#include "libs/registry/short_name.h"

namespace {

using stave::registry::RegistriesConf;

void Require(bool condition) {
  if (!condition) std::abort();
}

// Of all that it says, without what its order does not matter for.
std::string Print(const RegistriesConf& conf) {
  std::string text = absl::StrCat(static_cast<int>(conf.short_names));
  if (conf.search) {
    for (const std::string& host : *conf.search) absl::StrAppend(&text, "\ns ", host);
  }
  for (const auto& [name, meaning] : conf.aliases) {
    absl::StrAppend(&text, "\na ", name, " ", meaning);
  }
  for (const auto& entry : conf.registries) {
    absl::StrAppend(&text, "\nr ", entry.prefix, " ", entry.location, " ", entry.insecure,
                    entry.blocked);
    for (const auto& mirror : entry.mirrors) {
      absl::StrAppend(&text, "\nm ", mirror.location, " ", mirror.insecure,
                      static_cast<int>(mirror.pull));
    }
  }
  return text;
}

void CheckEndpoints(const RegistriesConf& conf, absl::string_view name) {
  const auto reference = stave::oci::Reference::Parse(name);
  Require(reference.ok());
  const auto endpoints = stave::registry::PlanEndpoints(conf, *reference);
  if (!endpoints.ok()) return;
  Require(!endpoints->empty());
  for (const stave::registry::Endpoint& endpoint : *endpoints) {
    Require(!endpoint.host.empty() && endpoint.host.find_first_of("/@ \n") == std::string::npos);
    Require(!endpoint.path.empty() && !absl::StartsWith(endpoint.path, "/"));
    Require(endpoint.path.find_first_of("?#@ \n") == std::string::npos);
    Require(!absl::StrContains(absl::StrCat("/", endpoint.path, "/"), "/../"));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  RegistriesConf conf;
  if (!stave::registry::MergeRegistriesConf(text, &conf).ok()) return 0;
  const std::string once = Print(conf);
  Require(stave::registry::MergeRegistriesConf(text, &conf).ok() && Print(conf) == once);
  CheckEndpoints(conf, "docker.io/library/alpine:1");
  CheckEndpoints(conf, "a.b.example:5000/c/d:1");
  for (const auto& entry : conf.registries) {
    const auto name = stave::oci::Reference::Parse(absl::StrCat(entry.prefix, "/c:1"));
    if (name.ok()) CheckEndpoints(conf, name->String());
  }
  const auto names = stave::registry::ExpandShortName(conf, "web:1");
  if (names.ok()) {
    Require(!names->empty());
    for (const std::string& name : *names) Require(stave::oci::Reference::Parse(name).ok());
  }
  return 0;
}
