// SPDX-License-Identifier: Apache-2.0
//
// ns-run - run a container from a document
//
// The last stage of the pipe: reads the document, applies its options, and runs it in the
// foreground or prints it. Manual: ns-run(1).

#include <unistd.h>

#include <string>
#include <utility>

#include "gflags/gflags.h"
#include "libs/base/error.h"
#include "libs/base/id.h"
#include "libs/base/number.h"
#include "libs/base/status_macros.h"
#include "libs/cli/document.h"
#include "libs/cli/program.h"
#include "libs/json/value.h"
#include "libs/runtime/compose.h"
#include "libs/runtime/plan.h"
#include "libs/runtime/report.h"
#include "libs/runtime/session.h"
#include "libs/store/store.h"
#include "tools/ns-run/report.h"

DEFINE_string(config, "", "");
DEFINE_string(rootfs, "", "");
DEFINE_string(entrypoint, "", "");
DEFINE_string(hostname, "", "");
DEFINE_string(name, "", "");
DEFINE_string(network, "", "");
DEFINE_string(report, "", "");
DEFINE_string(stdin_fd, "", "");
DEFINE_string(user, "", "");
DEFINE_string(workdir, "", "");

namespace stave {
namespace {

using cli::Takes;

constexpr cli::Option kOptions[] = {
    {"config", 0, Takes::kValue, "FILE", "read the document from FILE instead of stdin"},
    {"rootfs", 0, Takes::kValue, "DIR",
     "run in the directory DIR with the default config, and leave no record"},
    {"print", 0, Takes::kNothing, "", "print the final config instead of running it"},
    {"report", 0, Takes::kValue, "CONTAINER",
     "print what the kernel enforces on a container that runs, as JSON; its name, its id, or a "
     "state directory of stave-oci"},
    {"name", 0, Takes::kValue, "NAME", "name of the container; a random one otherwise"},
    {"rm", 0, Takes::kNothing, "", "remove the container when it has ended"},
    {"interactive", 'i', Takes::kNothing, "",
     "give the payload ns-run's stdin; without it stdin is empty", "Streams"},
    {"tty", 't', Takes::kNothing, "", "give the payload a terminal", "Streams"},
    {"stdin-fd", 0, Takes::kValue, "N", "with -i: use descriptor N instead of stdin", "Streams"},
    {"env", 'e', Takes::kList, "NAME=VALUE",
     "set a variable, or take over NAME from the caller; may be repeated", "Process"},
    {"user", 'u', Takes::kValue, "USER[:GROUP]", "run as USER, a name of the image's or a number",
     "Process"},
    {"workdir", 'w', Takes::kValue, "DIR",
     "working directory in the container, made if it is missing", "Process"},
    {"entrypoint", 0, Takes::kValue, "PROGRAM",
     "run PROGRAM with the operands as its arguments; \"\" runs the operands themselves",
     "Process"},
    {"init", 0, Takes::kNothing, "",
     "make process 1 a small init that reaps orphans and passes signals on", "Process"},
    {"hostname", 'h', Takes::kValue, "NAME", "hostname; the short id otherwise", "Isolation"},
    {"network", 0, Takes::kValue, "MODE",
     "none (loopback only, the default), host, or container:NAME", "Isolation"},
    {"read-only", 0, Takes::kNothing, "", "mount the root filesystem read-only", "Isolation"},
    {"volume", 'v', Takes::kList, "/HOST:/CONTAINER[:ro]",
     "bind a file or directory of the host; may be repeated", "Isolation"},
    {"tmpfs", 0, Takes::kList, "DIR[:OPTIONS]",
     "mount a tmpfs on DIR, with options such as size=64m,exec; may be repeated", "Isolation"},
    {"cap-add", 0, Takes::kList, "CAPABILITY", "add a capability, or ALL; may be repeated",
     "Isolation"},
    {"cap-drop", 0, Takes::kList, "CAPABILITY", "drop a capability, or ALL; may be repeated",
     "Isolation"},
    {"security-opt", 0, Takes::kList, "OPTION",
     "no-new-privileges, seccomp=FILE, seccomp=unconfined, apparmor=PROFILE or "
     "systempaths=unconfined; may be repeated",
     "Isolation"},
};

constexpr cli::Program kProgram = {
    .name = "ns-run",
    .purpose = "run a container: the document from stdin, or a root filesystem",
    .synopsis = "[OPTION...] [--] [COMMAND [ARG...]]",
    .options = kOptions,
    .usage_exit = runtime::kOwnFailure,
    .failure_exit = runtime::kOwnFailure,
};

runtime::RunOptions OptionsOf(const cli::Invocation& given) {
  const auto optional = [&given](const char* name) {
    return given.Has(name) ? std::optional<std::string>(given.Get(name)) : std::nullopt;
  };
  runtime::RunOptions options;
  options.operands = given.operands();
  options.name = optional("name");
  options.entrypoint = optional("entrypoint");
  options.user = optional("user");
  options.workdir = optional("workdir");
  options.hostname = optional("hostname");
  options.network = optional("network");
  options.env = given.List("env");
  options.cap_add = given.List("cap-add");
  options.cap_drop = given.List("cap-drop");
  options.security = given.List("security-opt");
  options.volumes = given.List("volume");
  options.tmpfs = given.List("tmpfs");
  options.read_only = given.Has("read-only");
  options.terminal = given.Has("tty");
  return options;
}

absl::StatusOr<json::Value> ReadInput(const cli::Invocation& given) {
  if (given.Has("rootfs") && given.Has("config")) {
    return cli::UsageError("--rootfs and --config: only one of them says what to run");
  }
  if (given.Has("rootfs") && FLAGS_rootfs.empty())
    return cli::UsageError("--rootfs: the directory is empty");
  if (given.Has("rootfs")) return runtime::RootfsDocument(FLAGS_rootfs);
  if (given.Has("config")) return cli::ReadDocumentFile(FLAGS_config);
  return cli::ReadDocument(cli::Stage::kLast);
}

// Whose stdin: the payload's, unless the document came by it.
absl::StatusOr<int> InputOf(const cli::Invocation& given) {
  const bool from_stdin = !given.Has("rootfs") && !given.Has("config");
  if (!given.Has("stdin-fd")) {
    if (from_stdin && given.Has("interactive") && !given.Has("tty")) {
      return base::WithHint(cli::UsageError("--interactive: stdin has carried the document"),
                            "use --config FILE, or --stdin-fd N, or -t with a terminal");
    }
    return from_stdin ? -1 : STDIN_FILENO;
  }
  const auto fd = base::ParseUint(FLAGS_stdin_fd, 0, 1048575);
  if (!fd.ok()) return cli::BadValue("stdin-fd", fd.status());
  return static_cast<int>(*fd);
}

absl::StatusOr<int> Report(const cli::Invocation& given) {
  if (!given.operands().empty()) return cli::UsageError("--report: takes no command");
  STAVE_ASSIGN_OR_RETURN(const json::Value report, ReportOn(FLAGS_report));
  STAVE_RETURN_IF_ERROR(cli::WriteDocument(report));
  return 0;
}

absl::StatusOr<int> Run(const cli::Invocation& given) {
  if (given.Has("report")) return Report(given);
  const runtime::RunOptions options = OptionsOf(given);
  if (const absl::Status checked = runtime::CheckOptions(options); !checked.ok()) return checked;
  runtime::SessionWishes wishes;
  STAVE_ASSIGN_OR_RETURN(wishes.streams.input, InputOf(given));
  STAVE_ASSIGN_OR_RETURN(json::Value document, ReadInput(given));
  const bool print = given.Has("print");
  STAVE_ASSIGN_OR_RETURN(const store::Store store,
                         store::Store::Open(print ? store::Access::kRead : store::Access::kWrite));
  STAVE_RETURN_IF_ERROR(runtime::CheckShape(document));
  STAVE_RETURN_IF_ERROR(runtime::Compose(options, store, &document));
  if (print) {
    runtime::Personalise(base::NewId(), &document);
    STAVE_ASSIGN_OR_RETURN(const runtime::Plan plan, runtime::MakePlan(document));
    STAVE_RETURN_IF_ERROR(runtime::RefuseDoubts(plan));
    STAVE_RETURN_IF_ERROR(cli::WriteDocument(document));
    return 0;
  }
  const json::Value* terminal = document.Find({"process", "terminal"});
  wishes.streams.terminal = terminal != nullptr && terminal->boolean();
  wishes.streams.interactive = given.Has("interactive") || given.Has("stdin-fd");
  wishes.keep = given.Has("rm") ? runtime::Keep::kNothing : runtime::Keep::kRecord;
  wishes.record = !given.Has("rootfs");
  wishes.reaper = given.Has("init") ? runtime::Reaper::kInit : runtime::Reaper::kPayload;
  wishes.warn = [](const std::string& message) { cli::PrintWarning(kProgram, message); };
  auto code = runtime::RunInForeground(store, std::move(document), wishes);
  if (code.ok()) return code;
  const int exit_code = runtime::ExitCodeOf(code.status());
  if (exit_code == runtime::kOwnFailure) return code.status();
  cli::PrintError(kProgram, code.status());
  return exit_code;
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}
