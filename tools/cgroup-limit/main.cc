// SPDX-License-Identifier: Apache-2.0
//
// cgroup-limit - limit what a container or a command may use
//
// In a pipe: the document on stdin, with the limits in linux.resources, on stdout. With a command
// after "--": runs it in a cgroup with those limits. With --update: those of a container. Manual:
// cgroup-limit(1).

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/cli/document.h"
#include "libs/cli/program.h"
#include "libs/json/value.h"
#include "tools/cgroup-limit/command.h"
#include "tools/cgroup-limit/options.h"
#include "tools/cgroup-limit/receipt.h"
#include "tools/cgroup-limit/update.h"

namespace stave::cgroup_limit {
namespace {

constexpr cli::Program kProgram = {
    .name = "cgroup-limit",
    .purpose = "limit what a container or a command may use",
    .synopsis =
        "[OPTION...] [-- COMMAND [ARG...]]\n"
        "--update CONTAINER... [OPTION...]",
    .options = kOptions,
};

absl::Status CheckNoCommand(const cli::Invocation& options) {
  for (const char* option : {"parent", "usage", "usage-json"}) {
    if (!options.Has(option)) continue;
    return cli::UsageError(absl::StrCat("--", option, ": needs a command after --"));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> EditContainer(const cli::Invocation& options) {
  STAVE_RETURN_IF_ERROR(CheckNoCommand(options));
  int code = 0;
  for (const std::string& name : options.List("update")) {
    const absl::Status updated = UpdateContainer(options, name);
    if (updated.ok()) {
      STAVE_RETURN_IF_ERROR(base::WriteAll(STDOUT_FILENO, name + "\n", "stdout"));
      continue;
    }
    cli::PrintError(kProgram, updated);
    code = cli::ExitCode(kProgram, updated);
  }
  return code;
}

absl::StatusOr<int> EditDocument(const cli::Invocation& options) {
  STAVE_RETURN_IF_ERROR(CheckNoCommand(options));
  const Machine machine = InspectMachine();
  json::Value trial = json::Value::Object();  // a bad value is told before stdin is read
  STAVE_RETURN_IF_ERROR(SetResources(options, machine, &trial));
  STAVE_ASSIGN_OR_RETURN(json::Value document, cli::ReadDocument(cli::Stage::kMiddle));
  STAVE_RETURN_IF_ERROR(SetResources(options, machine, &document));
  STAVE_RETURN_IF_ERROR(CheckTogether(options, document));
  STAVE_RETURN_IF_ERROR(cli::WriteDocument(document));
  return 0;
}

// Opened before the command is run: a place that cannot be written is told in time.
absl::StatusOr<base::UniqueFd> OpenReceipt(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return base::PosixError(errno, base::Printable(path), "open");
  return base::UniqueFd(fd);
}

absl::StatusOr<int> RunCommand(const cli::Invocation& options) {
  if (options.operands().empty()) return cli::UsageError("there is no command after --");
  json::Value document = json::Value::Object();
  STAVE_RETURN_IF_ERROR(SetResources(options, InspectMachine(), &document));
  STAVE_RETURN_IF_ERROR(CheckTogether(options, document));
  Command command = {options.operands(), "/stave", {}};
  if (options.Has("parent")) command.parent = options.Get("parent");
  if (const json::Value* found = document.Find({"linux", "resources"})) command.resources = *found;
  base::UniqueFd json_file;
  if (options.Has("usage-json")) {
    STAVE_ASSIGN_OR_RETURN(json_file, OpenReceipt(options.Get("usage-json")));
  }
  STAVE_ASSIGN_OR_RETURN(const std::string run_root, RunRoot());
  STAVE_RETURN_IF_ERROR(SweepStale(run_root));
  STAVE_ASSIGN_OR_RETURN(const Outcome outcome, RunInCgroup(run_root, command));
  if (!outcome.not_executed.ok()) cli::PrintError(kProgram, outcome.not_executed);
  if (options.Has("usage")) {
    STAVE_RETURN_IF_ERROR(base::WriteAll(STDERR_FILENO, ReceiptTable(outcome), "stderr"));
  }
  if (json_file.get() >= 0) {
    STAVE_RETURN_IF_ERROR(
        base::WriteAll(json_file.get(), ReceiptJson(outcome), options.Get("usage-json")));
  }
  return outcome.code;
}

absl::StatusOr<int> Run(const cli::Invocation& options) {
  if (options.Has("update") && (options.after_dashes() || !options.operands().empty())) {
    return cli::UsageError("--update: takes no command");
  }
  if (options.Has("update")) return EditContainer(options);
  if (options.Has("restart")) return cli::UsageError("--restart: needs --update");
  if (options.after_dashes()) return RunCommand(options);
  if (options.operands().empty()) return EditDocument(options);
  return base::WithHint(
      cli::UsageError(absl::StrCat("unexpected operand \"", options.operands()[0], "\"")),
      "a command is set apart by --: cgroup-limit [OPTION...] -- COMMAND [ARG...]");
}

}  // namespace
}  // namespace stave::cgroup_limit

int main(int argc, char** argv) {
  stave::cli::Program program = stave::cgroup_limit::kProgram;
  for (int i = 1; i < argc; ++i) {
    // Its exit codes are then the command's, but for those of all programs that run one.
    if (absl::string_view(argv[i]) == "--") program.usage_exit = program.failure_exit = 125;
  }
  return stave::cli::Main(program, stave::cgroup_limit::Run, argc, argv);
}
