// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/exec.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "tools/stave-oci/call.h"
#include "tools/stave-oci/commands.h"

namespace stave::stave_oci {
namespace {

using cli::Takes;

constexpr cli::Option kOptions[] = {
    {"process", 'p', Takes::kValue, "FILE", "all of the process, as in config.json"},
    {"tty", 't', Takes::kNothing, "", "give it a terminal"},
    {"detach", 'd', Takes::kNothing, "", "do not wait for its end"},
    {"cwd", 0, Takes::kValue, "DIR", "its working directory"},
    {"env", 'e', Takes::kList, "NAME=VALUE", "set a variable; may be repeated"},
    {"user", 'u', Takes::kValue, "UID[:GID]", "its user and group, numbers"},
    {"additional-gids", 'g', Takes::kList, "GID", "one more group; may be repeated"},
    {"cap", 'c', Takes::kList, "CAPABILITY", "one more capability; may be repeated"},
    {"no-new-privs", 0, Takes::kNothing, "", "no privileges from set-user-id files"},
    {"apparmor", 0, Takes::kValue, "PROFILE", "its AppArmor profile"},
    {"process-label", 0, Takes::kValue, "LABEL", "its SELinux label"},
    {"pid-file", 0, Takes::kValue, "FILE", "write its process id to it"},
    {"console-socket", 0, Takes::kValue, "PATH", "a socket that gets the terminal's master"},
    {"console-size", 0, Takes::kValue, "COLUMNSxROWS",
     "the size of its terminal, whatever the config says"},
    {"pidfd-socket", 0, Takes::kValue, "PATH", "a socket that gets its pidfd"},
    {"preserve-fds", 0, Takes::kValue, "N",
     "pass on N descriptors from 3 on, beside those of LISTEN_FDS"},
    {"cgroup", 0, Takes::kList, "PATH", "a cgroup below the container's, that exists"},
    {"ignore-paused", 0, Takes::kNothing, "", "also if the container is paused"},
    {"no-subreaper", 0, Takes::kNothing, "", "taken without effect"},
};

constexpr int kFailure = 255;

// runc's v1 form names controllers; a container's cgroup here has one path in all hierarchies.
absl::StatusOr<std::string> Cgroup(const cli::VerbCall& call) {
  const std::vector<std::string> given = call.own.List("cgroup");
  if (given.empty()) return std::string();
  if (given.size() > 1 || given[0].find(':') != std::string::npos) {
    return base::Error(absl::StatusCode::kUnimplemented, "E_UNSUPPORTED",
                       "--cgroup: one path for all controllers is wanted");
  }
  return given[0];
}

std::optional<std::string> Given(const cli::VerbCall& call, absl::string_view option) {
  const std::string text = call.own.Get(option);
  return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

lifecycle::ProcessChanges Changes(const cli::VerbCall& call) {
  lifecycle::ProcessChanges changes;
  changes.args.assign(call.own.operands().begin() + 1, call.own.operands().end());
  changes.env = call.own.List("env");
  changes.capabilities = call.own.List("cap");
  changes.additional_gids = call.own.List("additional-gids");
  changes.cwd = Given(call, "cwd");
  changes.user = Given(call, "user");
  changes.terminal = call.own.Has("tty");
  if (!call.own.Get("no-new-privs").empty()) {
    changes.no_new_privileges = call.own.Has("no-new-privs");
  }
  changes.apparmor = Given(call, "apparmor");
  changes.process_label = Given(call, "process-label");
  return changes;
}

absl::StatusOr<int> Run(const cli::VerbCall& call) {
  STAVE_RETURN_IF_ERROR(CheckOperands(call, "exec", 1, SIZE_MAX));
  lifecycle::ExecOptions options;
  options.id = call.own.operands()[0];
  options.process_file = call.own.Get("process");
  options.changes = Changes(call);
  options.detach = call.own.Has("detach");
  STAVE_RETURN_IF_ERROR(ReadHandover(call, &options));
  STAVE_ASSIGN_OR_RETURN(options.cgroup, Cgroup(call));
  options.ignore_paused = call.own.Has("ignore-paused");
  options.warn = Warner(call);
  STAVE_ASSIGN_OR_RETURN(const lifecycle::Root root, OpenRoot(call));
  return lifecycle::Exec(root, options);
}

}  // namespace

cli::Verb ExecVerb() {
  cli::Program table = Table("exec", "[OPTION...] ID COMMAND [ARG...]\n[OPTION...] -p FILE ID",
                             "run one more process in a container", kOptions, Operands::kLast);
  table.usage_exit = table.failure_exit = kFailure;
  return {table, Run};
}

}  // namespace stave::stave_oci
