// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/short_name.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/oci/reference.h"

namespace stave::registry {
namespace {

// Where the tag or digest of a short name begins.
size_t NameEnd(absl::string_view text) { return std::min(text.find_first_of(":@"), text.size()); }

absl::StatusOr<std::string> Alias(absl::string_view name, const std::string& target) {
  const auto reference = oci::Reference::Parse(target);
  if (!reference.ok() || IsShortName(target) || absl::StrContains(target, "@") ||
      reference->tag() != "latest" || absl::EndsWith(target, ":latest")) {
    return base::Error(
        absl::StatusCode::kInvalidArgument, "E_REGISTRIES_CONF",
        absl::StrCat("registries.conf: aliases.", name, " = \"", base::Printable(target, 128),
                     "\": is not a registry and a repository"));
  }
  return target;
}

}  // namespace

bool IsShortName(absl::string_view text) {
  const size_t slash = text.find('/');
  if (slash == absl::string_view::npos) return true;
  const absl::string_view first = text.substr(0, slash);
  const bool upper = std::any_of(first.begin(), first.end(), [](char c) {
    return absl::ascii_isupper(static_cast<unsigned char>(c));
  });
  return first != "localhost" && first.find_first_of(".:[") == absl::string_view::npos && !upper;
}

absl::StatusOr<std::vector<std::string>> ExpandShortName(const RegistriesConf& conf,
                                                         absl::string_view text) {
  const std::string name(text.substr(0, NameEnd(text)));
  const absl::string_view rest = text.substr(name.size());
  if (const auto alias = conf.aliases.find(name); alias != conf.aliases.end()) {
    STAVE_ASSIGN_OR_RETURN(const std::string target, Alias(name, alias->second));
    return std::vector<std::string>{absl::StrCat(target, rest)};
  }
  if (!conf.search.has_value()) return std::vector<std::string>{absl::StrCat("docker.io/", text)};
  if (conf.search->empty()) {
    return base::WithHint(
        base::Error(absl::StatusCode::kNotFound, "E_SHORT_NAME",
                    absl::StrCat("\"", base::Printable(text, 128),
                                 "\": registries.conf names no registry for short names")),
        absl::StrCat("give the whole name, such as docker.io/",
                     absl::StrContains(name, "/") ? "" : "library/", base::Printable(text, 128)));
  }
  std::vector<std::string> names;
  for (const std::string& registry : *conf.search) {
    names.push_back(absl::StrCat(registry, "/", text));
  }
  return names;
}

}  // namespace stave::registry
