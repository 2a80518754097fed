// SPDX-License-Identifier: Apache-2.0
//
// stave-oci: the runtime core behind runc's command line, for engines. Manual: stave-oci(8)

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "libs/base/error.h"
#include "libs/cli/program.h"
#include "libs/cli/verbs.h"
#include "libs/seccomp/compile.h"
#include "tools/stave-oci/commands.h"
#include "tools/stave-oci/features.h"
#include "tools/stave-oci/log.h"

namespace stave::stave_oci {
namespace {

constexpr cli::Option kOptions[] = {
    {"root", 0, cli::Takes::kValue, "DIR",
     "where the state of containers is: /run/stave/oci, or $XDG_RUNTIME_DIR/stave/oci for who is "
     "not root"},
    {"log", 0, cli::Takes::kValue, "FILE", "append errors and warnings to it, too"},
    {"log-format", 0, cli::Takes::kValue, "FORMAT", "of that file: text or json"},
    {"debug", 0, cli::Takes::kNothing, "", "taken without effect"},
    {"systemd-cgroup", 0, cli::Takes::kNothing, "", "have systemd make the cgroups, as scopes"},
    {"cgroup-manager", 0, cli::Takes::kValue, "MANAGER",
     "as with crun: cgroupfs, or systemd for --systemd-cgroup; disabled is refused by create and "
     "run"},
    {"rootless", 0, cli::Takes::kValue, "WHEN", "taken without effect: auto, true or false"},
    {"criu", 0, cli::Takes::kValue, "FILE", "taken without effect"},
};

constexpr cli::Program kProgram = {
    .name = "stave-oci",
    .purpose = "an OCI runtime: create and run containers from bundles, with runc's command line",
    .synopsis = "[OPTION...] COMMAND [OPTION...] [ARG...]",
    .options = kOptions,
    .usage_exit = 1,
    .last_wins = true,
    .help_letter = 'h',
    .version_letter = 'v',
    .page = "stave-oci(8)",
};

// Engines read the first three lines: "NAME version ..", "commit: ", "spec: ".
std::string VersionText() {
  return absl::StrCat("stave-oci version ", cli::Version(), "\ncommit: ", cli::Version(),
                      "\nspec: ", kNewestSpec, "\nlibseccomp: ", seccomp::LibraryVersion(), "\n");
}

absl::Status CheckWord(const cli::Invocation& global, absl::string_view option,
                       absl::Span<const absl::string_view> words) {
  if (!global.Has(option)) return absl::OkStatus();
  const std::string given = global.Get(option);
  for (const absl::string_view word : words) {
    if (given == word) return absl::OkStatus();
  }
  return cli::UsageError(absl::StrCat("--", option, ": \"", base::Printable(given, 64),
                                      "\": is none of ", absl::StrJoin(words, ", ")));
}

absl::Status Begin(const cli::Invocation& global, Log* log) {
  const absl::Status opened = log->Open(global);
  if (!opened.ok()) return opened;
  const absl::Status manager =
      CheckWord(global, "cgroup-manager", {"cgroupfs", "systemd", "disabled"});
  if (!manager.ok()) return manager;
  return CheckWord(global, "rootless", {"auto", "true", "false"});
}

int Main(int argc, char** argv) {
  const cli::Verb verbs[] = {
      CreateVerb(), DeleteVerb(), EventsVerb(), ExecVerb(),  FeaturesVerb(),
      KillVerb(),   ListVerb(),   PauseVerb(),  PsVerb(),    ResumeVerb(),
      RunVerb(),    SpecVerb(),   StartVerb(),  StateVerb(), UpdateVerb(),
  };
  Log log;
  return cli::VerbsMain(
      {.program = kProgram,
       .verbs = verbs,
       .version = VersionText(),
       .begin = [&log](const cli::Invocation& global) { return Begin(global, &log); },
       .log = [&log](cli::Severity severity,
                     absl::string_view message) { return log.Write(severity, message); }},
      argc, argv);
}

}  // namespace
}  // namespace stave::stave_oci

int main(int argc, char** argv) { return stave::stave_oci::Main(argc, argv); }
