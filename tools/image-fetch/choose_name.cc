// SPDX-License-Identifier: Apache-2.0
#include "tools/image-fetch/choose_name.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/status_macros.h"
#include "libs/oci/reference.h"
#include "libs/registry/registries_conf.h"
#include "libs/registry/short_name.h"
#include "libs/store/refs.h"

namespace stave::tools {
namespace {

bool IsHere(const store::Store& store, const std::string& name) {
  const auto reference = oci::Reference::Parse(name);
  return reference.ok() && store::GetRef(store, *reference).ok();
}

// "" if there is nobody to ask, or no answer.
std::string Ask(const std::vector<std::string>& names) {
  if (::isatty(STDERR_FILENO) == 0) return "";
  const std::unique_ptr<FILE, int (*)(FILE*)> terminal(::fopen("/dev/tty", "r+e"), ::fclose);
  if (terminal == nullptr) return "";
  for (size_t i = 0; i < names.size(); ++i) {
    ::fprintf(terminal.get(), "%3zu  %s\n", i + 1, names[i].c_str());
  }
  ::fprintf(terminal.get(), "Which image? [1-%zu] ", names.size());
  ::fflush(terminal.get());
  char line[64];
  ::rewind(terminal.get());
  if (::fgets(line, sizeof(line), terminal.get()) == nullptr) return "";
  const auto number = base::ParseUint(absl::StripAsciiWhitespace(line), 1, names.size());
  return number.ok() ? names[*number - 1] : "";
}

}  // namespace

absl::StatusOr<std::string> ChooseName(const store::Store& store, const std::string& text) {
  if (!registry::IsShortName(text)) return text;
  STAVE_ASSIGN_OR_RETURN(const registry::RegistriesConf conf,
                         registry::ReadRegistriesConf(registry::FindRegistriesConf()));
  STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                         registry::ExpandShortName(conf, text));
  if (names.size() == 1) return names[0];
  for (const std::string& name : names) {
    if (IsHere(store, name)) return name;
  }
  if (std::string picked = Ask(names); !picked.empty()) return picked;
  if (absl::StartsWith(names[0], "docker.io/")) return names[0];
  return base::WithHint(
      base::Error(absl::StatusCode::kFailedPrecondition, "E_SHORT_NAME",
                  absl::StrCat("\"", text, "\": may be ", absl::StrJoin(names, " or "))),
      "give the whole name");
}

}  // namespace stave::tools
