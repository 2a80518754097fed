// SPDX-License-Identifier: Apache-2.0
//
// /etc/containers/registries.conf (version 2) and its drop-ins: which registries have mirrors, are
// blocked or insecure, and what short names mean.
//
//   unqualified-search-registries = ["docker.io"]
//   short-name-mode = "enforcing"
//   [aliases]
//   "fedora" = "registry.fedoraproject.org/fedora"
//   [[registry]]
//   prefix = "docker.io/library"
//   location = "hub.example/library"
//   [[registry.mirror]]
//   location = "10.0.0.1:5000/hub"
//   insecure = true
//   pull-from-mirror = "digest-only"
//
// Read are, where they exist:
//
//   $CONTAINERS_REGISTRIES_CONF, which must exist then, else CONFIG/containers/registries.conf,
//   else /etc/containers/registries.conf
//   *.conf in /etc/containers/registries.conf.d, then in CONFIG/containers/registries.conf.d, in
//   the order of their names; a later file wins, a table [[registry]] of the same prefix whole
//   /var/cache/containers/short-name-aliases.conf (not root: CACHE/containers/..)
//
// CONFIG and CACHE are XDG_CONFIG_HOME and XDG_CACHE_HOME, ~/.config and ~/.cache. Unknown keys are
// ignored.
//
// Source: containers-registries.conf(5), containers-registries.conf.d(5).

#ifndef STAVE_LIBS_REGISTRY_REGISTRIES_CONF_H_
#define STAVE_LIBS_REGISTRY_REGISTRIES_CONF_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stave::registry {

inline constexpr size_t kMaxRegistriesConf = size_t{4} << 20;

enum class PullFromMirror { kAll, kDigestOnly, kTagOnly };

struct Mirror {
  std::string location;  // host[:port][/path]
  bool insecure = false;
  PullFromMirror pull = PullFromMirror::kAll;
};

struct RegistryEntry {
  std::string prefix;    // host[:port][/path], or "*.example.com"
  std::string location;  // what the prefix becomes; "": stays as it is
  bool insecure = false;
  bool blocked = false;
  std::vector<Mirror> mirrors;
};

enum class ShortNameMode { kEnforcing, kPermissive, kDisabled };

struct RegistriesConf {
  // Where short names may come from. Absent: no file says, and they mean what they mean to Docker.
  std::optional<std::vector<std::string>> search;
  ShortNameMode short_names = ShortNameMode::kPermissive;
  std::map<std::string, std::string> aliases;  // "fedora" -> "registry.fedoraproject.org/fedora"
  std::optional<std::vector<std::string>> credential_helpers;
  std::vector<RegistryEntry> registries;  // one for each prefix
};

// Reads the text of one file over what `conf` has from the files before. Safe for any bytes.
// Errors: InvalidArgument [E_REGISTRIES_CONF] with line and column, or the key, for what is no
// TOML, of the wrong type, or a prefix or location that is none; the version 1 format is refused by
// name.
absl::Status MergeRegistriesConf(absl::string_view text, RegistriesConf* conf);

// Which files, for tests and messages. Absolute paths; "" where there is none.
struct RegistriesConfPaths {
  std::string main;
  bool main_given = false;               // by the variable: it must exist
  std::vector<std::string> directories;  // of drop-ins, in order
  std::string short_name_aliases;
};

// As described above, from the environment.
RegistriesConfPaths FindRegistriesConf();

// Reads all of them. Errors: those of MergeRegistriesConf, with the file's name; InvalidArgument
// [E_REGISTRIES_CONF] for a file that was given and is not there; those of open(2)
// but ENOENT; ResourceExhausted [E_LIMIT] for a file above kMaxRegistriesConf.
absl::StatusOr<RegistriesConf> ReadRegistriesConf(const RegistriesConfPaths& paths);

}  // namespace stave::registry

#endif  // STAVE_LIBS_REGISTRY_REGISTRIES_CONF_H_
