// SPDX-License-Identifier: Apache-2.0
//
// registry-logout: forgets the login for a registry, wherever image-fetch would find it.
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gflags/gflags.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/cli/program.h"
#include "libs/registry/credentials.h"
#include "libs/registry/login_host.h"
#include "libs/registry/login_store.h"

DEFINE_string(authfile, "", "");
DEFINE_bool(all, false, "");

namespace stave {
namespace {

constexpr cli::Option kOptions[] = {
    {"all", 'a', cli::Takes::kNothing, "", "forget the logins for all registries"},
    {"authfile", 0, cli::Takes::kValue, "FILE", "look into this file only"},
};

constexpr cli::Program kProgram = {
    .name = "registry-logout",
    .purpose = "forget the login for a registry",
    .synopsis = "[OPTION...] [HOST]",
    .options = kOptions,
};

absl::StatusOr<int> Run(const cli::Invocation& call) {
  if (call.operands().size() > (FLAGS_all ? 0 : 1)) {
    return cli::UsageError(FLAGS_all ? "--all: no HOST then" : "it takes one HOST");
  }
  if (!call.operands().empty() && call.operands()[0].empty()) {
    return cli::UsageError("HOST is empty");
  }
  if (call.Has("authfile") && FLAGS_authfile.empty()) {
    return cli::UsageError("--authfile: is empty");
  }
  const auto host = registry::ParseLoginHost(call.operands().empty() ? "" : call.operands()[0]);
  if (!host.ok()) return cli::AsUsage(host.status());
  const registry::CredentialFiles files = registry::FindCredentialFiles(FLAGS_authfile);
  if (!files.from_environment.empty()) {
    cli::PrintWarning(kProgram, "DOCKER_AUTH_CONFIG is set, and what it says stays");
  }
  std::string said;
  if (FLAGS_all) {
    STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> erased, registry::EraseAllLogins(files));
    for (const std::string& key : erased) {
      absl::StrAppend(&said, "Removing login credentials for ", base::Printable(key), "\n");
    }
  } else {
    STAVE_ASSIGN_OR_RETURN(const bool erased, registry::EraseLogin(files, *host));
    said =
        absl::StrCat(erased ? "Removing login credentials for " : "Not logged in to ", *host, "\n");
  }
  return cli::PrintOrFail(kProgram, said);
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}
