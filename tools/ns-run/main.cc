// SPDX-License-Identifier: Apache-2.0
//
// ns-run - run a container from a document
//
// The last stage of the pipe: reads the document, applies its options, and runs it in the
// foreground or prints it. Manual: ns-run(1).

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gflags/gflags.h"
#include "libs/base/error.h"
#include "libs/base/id.h"
#include "libs/base/number.h"
#include "libs/base/status_macros.h"
#include "libs/cli/document.h"
#include "libs/cli/program.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"
#include "libs/oci/env_file.h"
#include "libs/oci/process.h"
#include "libs/oci/stave_member.h"
#include "libs/oci/user.h"
#include "libs/pty/detach_keys.h"
#include "libs/runtime/attachment.h"
#include "libs/runtime/compose.h"
#include "libs/runtime/creation.h"
#include "libs/runtime/plan.h"
#include "libs/runtime/report.h"
#include "libs/runtime/session.h"
#include "libs/runtime/start_failure.h"
#include "libs/store/image_user.h"
#include "libs/store/store.h"
#include "tools/ns-run/detached.h"
#include "tools/ns-run/life.h"
#include "tools/ns-run/mount_option.h"
#include "tools/ns-run/report.h"
#include "tools/ns-run/sealed.h"
#include "tools/ns-run/sharing.h"
#include "tools/ns-run/tuning.h"

DEFINE_string(cidfile, "", "");
DEFINE_string(config, "", "");
DEFINE_string(detach_keys, "ctrl-p,ctrl-q", "");
DEFINE_string(health_cmd, "", "");
DEFINE_string(health_interval, "", "");
DEFINE_string(health_retries, "", "");
DEFINE_string(health_start_interval, "", "");
DEFINE_string(health_start_period, "", "");
DEFINE_string(health_timeout, "", "");
DEFINE_string(log_driver, "", "");
DEFINE_string(restart, "", "");
DEFINE_string(sig_proxy, "true", "");
DEFINE_string(stop_signal, "", "");
DEFINE_string(stop_timeout, "", "");
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
    {"cidfile", 0, Takes::kValue, "FILE",
     "write the container's id into FILE, which must not exist"},
    {"label", 'l', Takes::kList, "NAME[=VALUE]", "label the container; may be repeated"},
    {"label-file", 0, Takes::kList, "FILE",
     "read labels from FILE, a line each, before those of --label; may be repeated"},
    {"rm", 0, Takes::kNothing, "", "remove the container when it has ended"},
    {"interactive", 'i', Takes::kNothing, "",
     "give the payload ns-run's stdin; without it stdin is empty", "Streams"},
    {"tty", 't', Takes::kNothing, "", "give the payload a terminal", "Streams"},
    {"stream", 0, Takes::kList, "NAME",
     "with --attachable: be attached to this one only, stdin, stdout or stderr; may be repeated",
     "Streams"},
    {"stdin-fd", 0, Takes::kValue, "N", "with -i: use descriptor N instead of stdin", "Streams"},
    {"detach", 'd', Takes::kNothing, "", "leave the container running and print its id", "Life"},
    {"attachable", 0, Takes::kNothing, "",
     "be attached to a container that goes on by itself, with a log", "Life"},
    {"create", 0, Takes::kNothing, "", "make the container, do not start it, and print its id",
     "Life"},
    {"start", 0, Takes::kNothing, "",
     "start the containers that are named in place of a command, made before", "Life"},
    {"attach", 'a', Takes::kNothing, "", "with --start: be attached", "Life"},
    {"boot", 0, Takes::kNothing, "",
     "with --start: all whose restart policy wants them with the machine", "Life"},
    {"detach-keys", 0, Takes::kValue, "KEYS",
     "keys that leave the container running; ctrl-p,ctrl-q otherwise", "Life"},
    {"sig-proxy", 0, Takes::kValue, "BOOL", "pass signals on to the payload; true otherwise",
     "Life"},
    {"restart", 0, Takes::kValue, "POLICY",
     "what to do when it ends: no, on-failure[:N], always, unless-stopped", "Life"},
    {"stop-signal", 0, Takes::kValue, "SIGNAL", "what tells it to end; SIGTERM otherwise", "Life"},
    {"stop-timeout", 0, Takes::kValue, "SECONDS",
     "time it has to end before it is killed; 10 otherwise, -1 without end", "Life"},
    {"log-driver", 0, Takes::kValue, "DRIVER",
     "where output is kept: json-file (otherwise), none, journald", "Life"},
    {"log-opt", 0, Takes::kList, "NAME=VALUE",
     "max-size=10m, max-file=3, tag=TEXT; may be repeated", "Life"},
    {"health-cmd", 0, Takes::kValue, "COMMAND", "a shell line that tells whether it is well",
     "Health"},
    {"health-interval", 0, Takes::kValue, "TIME", "time between two checks; 30s otherwise",
     "Health"},
    {"health-timeout", 0, Takes::kValue, "TIME", "time that one may take; 30s otherwise", "Health"},
    {"health-retries", 0, Takes::kValue, "N",
     "failures in a row that make it unhealthy; 3 otherwise", "Health"},
    {"health-start-period", 0, Takes::kValue, "TIME", "time in which failures do not count",
     "Health"},
    {"health-start-interval", 0, Takes::kValue, "TIME",
     "time between two checks in that; 5s otherwise", "Health"},
    {"no-healthcheck", 0, Takes::kNothing, "", "do without the image's check", "Health"},
    {"env", 'e', Takes::kList, "NAME=VALUE",
     "set a variable, or take over NAME from the caller; may be repeated", "Process"},
    {"env-file", 0, Takes::kList, "FILE",
     "read variables from FILE, before those of --env; may be repeated", "Process"},
    {"user", 'u', Takes::kValue, "USER[:GROUP]", "run as USER, a name of the image's or a number",
     "Process"},
    {"workdir", 'w', Takes::kValue, "DIR",
     "working directory in the container, made if it is missing", "Process"},
    {"entrypoint", 0, Takes::kValue, "PROGRAM",
     "run PROGRAM with the operands as its arguments; \"\" runs the operands themselves",
     "Process"},
    {"group-add", 0, Takes::kList, "GROUP", "be in this group, too; may be repeated", "Process"},
    {"ulimit", 0, Takes::kList, "NAME=SOFT[:HARD]",
     "a limit of setrlimit(2), such as nofile=1024; may be repeated", "Process"},
    {"oom-score-adj", 0, Takes::kValue, "N",
     "how readily it is killed when memory is short, -1000 to 1000", "Process"},
    {"init", 0, Takes::kNothing, "",
     "make process 1 a small init that reaps orphans and passes signals on", "Process"},
    {"hostname", 'h', Takes::kValue, "NAME", "hostname; the short id otherwise", "Isolation"},
    {"domainname", 0, Takes::kValue, "NAME", "NIS domain name", "Isolation"},
    {"add-host", 0, Takes::kList, "NAME:ADDRESS", "a line of /etc/hosts; may be repeated",
     "Isolation"},
    {"dns", 0, Takes::kList, "ADDRESS", "name server in /etc/resolv.conf; may be repeated",
     "Isolation"},
    {"dns-search", 0, Takes::kList, "DOMAIN", "search domain in it; may be repeated", "Isolation"},
    {"dns-option", 0, Takes::kList, "OPTION", "option in it; may be repeated", "Isolation"},
    {"network", 0, Takes::kValue, "MODE",
     "none (loopback only, the default), host, or container:NAME", "Isolation"},
    {"read-only", 0, Takes::kNothing, "", "mount the root filesystem read-only", "Isolation"},
    {"volume", 'v', Takes::kList, "/HOST:/CONTAINER[:ro]",
     "bind a file or directory of the host; may be repeated", "Isolation"},
    {"tmpfs", 0, Takes::kList, "DIR[:OPTIONS]",
     "mount a tmpfs on DIR, with options such as size=64m,exec; may be repeated", "Isolation"},
    {"mount", 0, Takes::kList, "KEY=VALUE,...",
     "type=bind,src=/HOST,dst=/CONTAINER[,readonly] or "
     "type=tmpfs,dst=/CONTAINER[,tmpfs-size=64m]; may be repeated",
     "Isolation"},
    {"shm-size", 0, Takes::kValue, "SIZE", "size of /dev/shm; 64m otherwise", "Isolation"},
    {"device", 0, Takes::kList, "/dev/HOST[:/dev/CONTAINER[:rwm]]",
     "let it use a device; may be repeated", "Isolation"},
    {"pid", 0, Takes::kValue, "MODE",
     "private (otherwise), or see and signal the processes of host or container:NAME", "Isolation"},
    {"ipc", 0, Takes::kValue, "MODE",
     "private or shareable (otherwise; alike), or share memory and queues with host or "
     "container:NAME",
     "Isolation"},
    {"uts", 0, Takes::kValue, "MODE", "private (otherwise), or host: bear the machine's name",
     "Isolation"},
    {"cgroupns", 0, Takes::kValue, "MODE", "private (otherwise), or host: see where its cgroup is",
     "Isolation"},
    {"userns", 0, Takes::kValue, "MODE", "host: no user namespace, also where the document has one",
     "Isolation"},
    {"sysctl", 0, Takes::kList, "NAME=VALUE",
     "a kernel parameter of its namespaces; may be repeated", "Isolation"},
    {"cgroup-parent", 0, Takes::kValue, "PATH", "make its cgroup below this one; /stave otherwise",
     "Isolation"},
    {"annotation", 0, Takes::kList, "NAME=VALUE",
     "an annotation, which hooks and runtimes may obey; may be repeated", "Isolation"},
    {"privileged", 0, Takes::kNothing, "",
     "all capabilities and devices, no seccomp, nothing hidden: as root on the machine",
     "Isolation"},
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

// A bare name of a file takes the caller's value, if it has one.
absl::Status AddEnvFiles(const cli::Invocation& given, std::vector<std::string>* env) {
  for (const std::string& path : given.List("env-file")) {
    const auto lines = oci::ReadEnvFile(path);
    if (!lines.ok()) return base::WithContext(lines.status(), "--env-file");
    for (const std::string& line : *lines) {
      const bool bare = line.find('=') == line.npos;
      if (!bare || ::getenv(line.c_str()) != nullptr) env->push_back(line);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<runtime::RunOptions> OptionsOf(const cli::Invocation& given) {
  const auto optional = [&given](const char* name) {
    return given.Has(name) ? std::optional<std::string>(given.Get(name)) : std::nullopt;
  };
  runtime::RunOptions options;
  options.operands = given.operands();
  options.name = optional("name");
  if (options.name)
    options.name = std::string(absl::StripPrefix(*options.name, "/"));  // inspect's way
  options.entrypoint = optional("entrypoint");
  options.user = optional("user");
  options.workdir = optional("workdir");
  options.hostname = optional("hostname");
  options.network = optional("network");
  STAVE_RETURN_IF_ERROR(AddEnvFiles(given, &options.env));
  for (std::string& one : given.List("env")) options.env.push_back(std::move(one));
  options.cap_add = given.List("cap-add");
  options.cap_drop = given.List("cap-drop");
  options.security = given.List("security-opt");
  options.volumes = given.List("volume");
  options.tmpfs = given.List("tmpfs");
  for (const std::string& one : given.List("mount")) {
    STAVE_RETURN_IF_ERROR(tools::AddMount(one, &options));
  }
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

// Groups by the names that the image has for them.
tools::FindGroup GroupsOf(const store::Store& store, const json::Value& document) {
  return [&store, &document](const std::string& name) -> absl::StatusOr<uint32_t> {
    STAVE_ASSIGN_OR_RETURN(const oci::StaveMember member, oci::GetStaveMember(document));
    if (!member.image) {
      return cli::UsageError(
          absl::StrCat(base::Quoted(name, 64), ": without an image, groups are numbers"));
    }
    STAVE_ASSIGN_OR_RETURN(
        const oci::User user,
        store::ResolveImageUser(store, member.image->layers, absl::StrCat("0:", name)));
    return user.gid;
  };
}

// The forms of what changes the document in its own way, tried on an empty one.
absl::Status CheckSettings(const cli::Invocation& given) {
  STAVE_RETURN_IF_ERROR(tools::CheckSharing(given));
  json::Value trial = json::Value::Object();
  trial.Set("mounts", json::Value::Array(
                          {json::Value::Object({{"destination", json::Value::String("/dev/shm")},
                                                {"type", json::Value::String("tmpfs")}})}));
  return tools::Tune(
      given, [](const std::string&) { return absl::StatusOr<uint32_t>(0); }, &trial);
}

absl::StatusOr<int> Report(const cli::Invocation& given) {
  if (!given.operands().empty()) return cli::UsageError("--report: takes no command");
  STAVE_ASSIGN_OR_RETURN(const json::Value report, ReportOn(FLAGS_report));
  STAVE_RETURN_IF_ERROR(cli::WriteDocument(report));
  return 0;
}

// How many of `names` were given, and which.
absl::Status CheckOneOf(const cli::Invocation& given, std::initializer_list<const char*> names) {
  const char* first = nullptr;
  for (const char* name : names) {
    if (!given.Has(name)) continue;
    if (first != nullptr) {
      return cli::UsageError(absl::StrCat("--", first, " and --", name, ": only one of them"));
    }
    first = name;
  }
  return absl::OkStatus();
}

absl::Status CheckLife(const cli::Invocation& given) {
  STAVE_RETURN_IF_ERROR(
      CheckOneOf(given, {"print", "detach", "attachable", "create", "start", "report"}));
  const bool lives = given.Has("detach") || given.Has("attachable") || given.Has("create");
  if (given.Has("rootfs") && lives) {
    return cli::UsageError("--rootfs: leaves no record, so it cannot live by itself");
  }
  const bool prints = given.Has("print");
  for (const char* name : {"restart", "log-driver", "log-opt", "health-cmd"}) {
    if (!given.Has(name) || lives || prints) continue;
    return base::WithHint(
        cli::UsageError(absl::StrCat("--", name, ": needs -d, --attachable or --create")),
        "what ns-run watches itself has no log, no checks and is not started again");
  }
  if (given.Has("stream") && !given.Has("attachable")) {
    return cli::UsageError("--stream: needs --attachable");
  }
  for (const std::string& name : given.List("stream")) {
    if (name == "stdin" || name == "stdout" || name == "stderr") continue;
    return cli::UsageError(
        absl::StrCat("--stream: ", base::Quoted(name, 64), ": is not stdin, stdout or stderr"));
  }
  for (const char* name : {"attach", "boot"}) {
    if (given.Has(name) && !given.Has("start")) {
      return cli::UsageError(absl::StrCat("--", name, ": needs --start"));
    }
  }
  STAVE_RETURN_IF_ERROR(CheckOneOf(given, {"attach", "boot"}));
  if (given.Has("rm") && given.Has("restart") && FLAGS_restart != "no") {
    return cli::UsageError("Conflicting options: --restart and --rm");
  }
  const auto keys = pty::DetachKeys::Parse(FLAGS_detach_keys);
  if (!keys.ok()) return cli::BadValue("detach-keys", keys.status());
  if (FLAGS_sig_proxy != "true" && FLAGS_sig_proxy != "false") {
    return cli::UsageError("--sig-proxy: is not true or false");
  }
  json::Value nothing = json::Value::Object();  // their values, before anything is touched
  return tools::SetLife(given, &nothing);
}

absl::StatusOr<runtime::AttachmentWishes> AttachmentOf(const cli::Invocation& given,
                                                       const json::Value& document, int input) {
  runtime::AttachmentWishes wishes;
  wishes.terminal = oci::HasTerminal(document);
  const std::vector<std::string> streams = given.List("stream");
  const auto takes = [&streams](const char* name) {
    return streams.empty() || std::find(streams.begin(), streams.end(), name) != streams.end();
  };
  wishes.in = (given.Has("interactive") || given.Has("stdin-fd")) && takes("stdin");
  wishes.out = takes("stdout");
  wishes.err = takes("stderr");
  wishes.input = input;
  wishes.holds = true;
  wishes.ends_input = true;
  STAVE_ASSIGN_OR_RETURN(wishes.keys, pty::DetachKeys::Parse(FLAGS_detach_keys));
  wishes.passes_signals = FLAGS_sig_proxy == "true";
  return wishes;
}

absl::StatusOr<int> StartThem(const cli::Invocation& given) {
  const bool boot = given.Has("boot");
  if (given.operands().empty() != boot) {
    return cli::UsageError(boot ? "--boot: takes no CONTAINER"
                                : "--start: at least one CONTAINER is wanted");
  }
  if (given.Has("attach") && given.operands().size() > 1) {
    return runtime::WithExitCode(
        cli::UsageError("you cannot start and attach multiple containers at once"), 1);
  }
  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kChange));
  const auto fail = [](const absl::Status& failed) { cli::PrintError(kProgram, failed); };
  if (boot) return tools::StartWithMachine(store, fail);
  if (!given.Has("attach")) return tools::StartAll(store, given.operands(), fail);
  const auto code =
      tools::StartAttached(store, given.operands()[0], given.Has("interactive"), FLAGS_detach_keys);
  if (code.ok()) return code;
  return runtime::WithExitCode(code.status(), 1);  // as without --attach
}

absl::StatusOr<int> PrintDocument(json::Value document) {
  runtime::Personalise(base::NewId(), &document);
  STAVE_ASSIGN_OR_RETURN(const runtime::Plan plan, runtime::MakePlan(document));
  STAVE_RETURN_IF_ERROR(runtime::RefuseDoubts(plan));
  STAVE_RETURN_IF_ERROR(cli::WriteDocument(document));
  return 0;
}

void Warn(const std::string& message) { cli::PrintWarning(kProgram, message); }

absl::StatusOr<int> RunForeground(const cli::Invocation& given, const store::Store& store,
                                  json::Value document, int input) {
  STAVE_RETURN_IF_ERROR(tools::SealForRun(given, document));
  runtime::SessionWishes wishes;
  wishes.streams.input = input;
  wishes.streams.terminal = oci::HasTerminal(document);
  wishes.streams.interactive = given.Has("interactive") || given.Has("stdin-fd");
  wishes.keep = given.Has("rm") ? runtime::Keep::kNothing : runtime::Keep::kRecord;
  wishes.record = !given.Has("rootfs");
  wishes.warn = Warn;
  return runtime::RunInForeground(store, std::move(document), wishes);
}

absl::StatusOr<int> RunIt(const cli::Invocation& given, const store::Store& store,
                          json::Value document, int input) {
  const bool lives = given.Has("create") || given.Has("detach") || given.Has("attachable");
  if (!lives) return RunForeground(given, store, std::move(document), input);
  const tools::DetachedWishes wishes{given.Has("rm"), FLAGS_cidfile, Warn};
  if (given.Has("create")) return tools::CreateOnly(store, std::move(document), wishes);
  if (given.Has("detach")) return tools::RunDetached(store, std::move(document), wishes);
  STAVE_ASSIGN_OR_RETURN(const runtime::AttachmentWishes attachment,
                         AttachmentOf(given, document, input));
  return tools::RunAttached(store, std::move(document), wishes, attachment);
}

// What kept a payload from being executed has an exit code of its own.
absl::StatusOr<int> TellCode(absl::StatusOr<int> code) {
  if (code.ok()) return code;
  const int exit_code = runtime::ExitCodeOf(code.status());
  if (exit_code == runtime::kOwnFailure) return code;
  cli::PrintError(kProgram, code.status());
  return exit_code;
}

absl::StatusOr<int> ComposeAndRun(const cli::Invocation& given, const runtime::RunOptions& options,
                                  const store::Store& store, json::Value document, int input) {
  STAVE_RETURN_IF_ERROR(runtime::CheckShape(document));
  if (given.Has("privileged")) tools::MakePrivileged(&document);
  STAVE_RETURN_IF_ERROR(runtime::Compose(options, store, &document));
  STAVE_RETURN_IF_ERROR(tools::Share(given, &document));
  STAVE_RETURN_IF_ERROR(tools::Tune(given, GroupsOf(store, document), &document));
  STAVE_RETURN_IF_ERROR(tools::SetLife(given, &document));
  if (const auto at = json::FindNotUtf8(document)) {
    return cli::UsageError(absl::StrCat(*at, ": is not UTF-8, and a document has to be"));
  }
  if (given.Has("print")) return PrintDocument(std::move(document));
  return RunIt(given, store, std::move(document), input);
}

absl::StatusOr<int> Run(const cli::Invocation& given) {
  if (given.Has("report")) return Report(given);
  STAVE_RETURN_IF_ERROR(CheckLife(given));
  if (given.Has("start")) return TellCode(StartThem(given));
  STAVE_RETURN_IF_ERROR(tools::SealForDirectory(given));
  STAVE_ASSIGN_OR_RETURN(const runtime::RunOptions options, OptionsOf(given));
  if (const absl::Status checked = runtime::CheckOptions(options); !checked.ok()) return checked;
  STAVE_RETURN_IF_ERROR(CheckSettings(given));
  const bool attends = !given.Has("detach") && !given.Has("create");
  int input = -1;
  if (attends) {
    STAVE_ASSIGN_OR_RETURN(input, InputOf(given));
  }
  STAVE_ASSIGN_OR_RETURN(json::Value document, ReadInput(given));
  const bool print = given.Has("print");
  STAVE_ASSIGN_OR_RETURN(const store::Store store,
                         store::Store::Open(print ? store::Access::kRead : store::Access::kWrite));
  std::string name = options.name.value_or("");
  if (const auto member = oci::GetStaveMember(document); name.empty() && member.ok()) {
    name = member->name;
  }
  const absl::StatusOr<int> code = ComposeAndRun(given, options, store, std::move(document), input);
  if (!code.ok() && !print) runtime::NoteFailure(code.status(), name, store);
  return TellCode(code);
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}
