// SPDX-License-Identifier: Apache-2.0
//
// ns-exec - run a command in a running container
//
// Manual: ns-exec(1).

#include <stdlib.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gflags/gflags.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/cli/program.h"
#include "libs/oci/env_file.h"
#include "libs/pty/detach_keys.h"
#include "libs/runtime/exec_session.h"
#include "libs/runtime/report.h"
#include "libs/store/store.h"

DEFINE_bool(detach, false, "");
DEFINE_bool(interactive, false, "");
DEFINE_bool(privileged, false, "");
DEFINE_bool(tty, false, "");
DEFINE_string(detach_keys, stave::pty::kDefaultDetachKeys, "");
DEFINE_string(user, "", "");
DEFINE_string(workdir, "", "");

namespace stave {
namespace {

using cli::Takes;

constexpr cli::Option kOptions[] = {
    {"detach", 'd', Takes::kNothing, "", "return when the command runs; it has no streams"},
    {"interactive", 'i', Takes::kNothing, "",
     "give the command ns-exec's stdin; without it stdin is empty", "Streams"},
    {"tty", 't', Takes::kNothing, "", "give the command a terminal", "Streams"},
    {"detach-keys", 0, Takes::kValue, "KEYS",
     "with -it: leave the command alone when these keys are typed; ctrl-p,ctrl-q otherwise, none "
     "with \"\"",
     "Streams"},
    {"env", 'e', Takes::kList, "NAME=VALUE",
     "set a variable, or take over NAME from the caller; may be repeated", "Process"},
    {"env-file", 0, Takes::kList, "FILE",
     "read variables from FILE, before those of --env; may be repeated", "Process"},
    {"user", 'u', Takes::kValue, "USER[:GROUP]",
     "run as USER, a name of the container's or a number", "Process"},
    {"workdir", 'w', Takes::kValue, "DIR", "working directory in the container", "Process"},
    {"privileged", 0, Takes::kNothing, "",
     "give the command all capabilities that there are, and no seccomp filter", "Process"},
};

constexpr cli::Program kProgram = {
    .name = "ns-exec",
    .purpose = "run a command in a running container",
    .synopsis = "[OPTION...] CONTAINER COMMAND [ARG...]",
    .options = kOptions,
};

bool IsAssignment(const std::string& variable) { return variable.find('=') != std::string::npos; }

// A bare name takes the caller's value. One that the caller has not got is nothing in a file, and
// takes the variable away as --env.
absl::StatusOr<std::vector<std::string>> Variables(const cli::Invocation& given) {
  std::vector<std::string> variables;
  const auto add = [&variables](const std::string& one, bool from_file) {
    const char* value = IsAssignment(one) ? nullptr : ::getenv(one.c_str());
    if (value != nullptr) {
      variables.push_back(absl::StrCat(one, "=", value));
    } else if (IsAssignment(one) || !from_file) {
      variables.push_back(one);
    }
  };
  for (const std::string& path : given.List("env-file")) {
    const auto lines = oci::ReadEnvFile(path);
    if (!lines.ok()) return base::WithContext(lines.status(), "--env-file");
    for (const std::string& line : *lines) add(line, true);
  }
  for (const std::string& one : given.List("env")) add(one, false);
  return variables;
}

absl::StatusOr<runtime::ExecWishes> WishesOf(const cli::Invocation& given) {
  runtime::ExecWishes wishes;
  wishes.args.assign(given.operands().begin() + 1, given.operands().end());
  if (given.Has("user")) wishes.user = FLAGS_user;
  if (given.Has("workdir")) wishes.workdir = FLAGS_workdir;
  wishes.privileged = FLAGS_privileged;
  wishes.interactive = FLAGS_interactive;
  wishes.terminal = FLAGS_tty;
  wishes.detach = FLAGS_detach;
  wishes.warn = [](const std::string& message) { cli::PrintWarning(kProgram, message); };
  auto keys = pty::DetachKeys::Parse(FLAGS_detach_keys);
  if (!keys.ok()) return cli::BadValue("detach-keys", keys.status());
  wishes.detach_keys = *std::move(keys);
  STAVE_ASSIGN_OR_RETURN(wishes.env, Variables(given));
  if (const absl::Status checked = runtime::CheckExec(wishes); !checked.ok()) {
    return cli::AsUsage(checked);
  }
  return wishes;
}

absl::StatusOr<int> Run(const cli::Invocation& given) {
  if (given.operands().size() < 2) return cli::UsageError("CONTAINER and COMMAND are wanted");
  STAVE_ASSIGN_OR_RETURN(const runtime::ExecWishes wishes, WishesOf(given));
  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kRead));
  const auto ended = runtime::ExecInContainer(store, given.operands()[0], wishes);
  if (ended.ok() && ended->detached && !wishes.detach) {
    return base::Error(absl::StatusCode::kAborted, "E_DETACHED", "read escape sequence");
  }
  if (ended.ok()) return ended->code;
  const int exit_code = runtime::ExitCodeOf(ended.status());
  if (exit_code == runtime::kOwnFailure) return ended.status();
  cli::PrintError(kProgram, ended.status());
  return exit_code;
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}
