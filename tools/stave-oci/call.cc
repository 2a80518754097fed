// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-oci/call.h"

#include <linux/close_range.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"

namespace stave::stave_oci {
namespace {

// --console-size, "80x24"; zeros without it.
absl::StatusOr<pty::Size> ConsoleSize(const cli::VerbCall& call) {
  if (!call.own.Has("console-size")) return pty::Size();
  const std::string text = call.own.Get("console-size");
  const size_t cross = text.find('x');
  if (cross == text.npos) return cli::UsageError("--console-size: wanted is COLUMNSxROWS: 80x24");
  const auto columns = base::ParseInt(text.substr(0, cross), 1, UINT16_MAX);
  const auto rows = base::ParseInt(text.substr(cross + 1), 1, UINT16_MAX);
  if (!columns.ok()) return cli::BadValue("console-size", columns.status());
  if (!rows.ok()) return cli::BadValue("console-size", rows.status());
  return pty::Size{static_cast<uint16_t>(*rows), static_cast<uint16_t>(*columns)};
}

absl::StatusOr<int> PreservedDescriptors(const cli::VerbCall& call) {
  int64_t preserved = 0;
  if (call.own.Has("preserve-fds")) {
    const auto given = base::ParseInt(call.own.Get("preserve-fds"), 0, INT16_MAX);
    if (!given.ok()) return cli::BadValue("preserve-fds", given.status());
    preserved = *given;
  }
  // Whether LISTEN_FDS is meant for this process is looked at by who passes them on.
  const char* const listening = ::getenv("LISTEN_FDS");
  const auto count = base::ParseInt(listening != nullptr ? listening : "0", 0, INT16_MAX);
  const int64_t first = 3 + preserved + (count.ok() ? *count : 0);
  ::syscall(SYS_close_range, static_cast<unsigned>(first), ~0U, CLOSE_RANGE_CLOEXEC);
  return static_cast<int>(preserved);
}

}  // namespace

cli::Program Table(const char* name, const char* synopsis, const char* purpose,
                   absl::Span<const cli::Option> options, Operands operands) {
  return {.name = name,
          .purpose = purpose,
          .synopsis = synopsis,
          .options = options,
          .usage_exit = 1,
          .failure_exit = 1,
          .last_wins = true,
          .mixed = operands == Operands::kMixed};
}

absl::Status CheckOperands(const cli::VerbCall& call, absl::string_view verb, size_t least,
                           size_t most) {
  const size_t given = call.own.operands().size();
  if (given >= least && given <= most) return absl::OkStatus();
  const size_t wanted = given < least ? least : most;
  return base::WithHint(
      cli::UsageError(absl::StrCat("\"", verb, "\" requires ",
                                   least == most   ? "exactly "
                                   : given < least ? "at least "
                                                   : "at most ",
                                   wanted, wanted == 1 ? " argument" : " arguments")),
      absl::StrCat("stave-oci ", verb, " --help"));
}

absl::StatusOr<lifecycle::Root> OpenRoot(const cli::VerbCall& call) {
  STAVE_ASSIGN_OR_RETURN(const std::string path, lifecycle::RootPath(call.global.Get("root")));
  return lifecycle::Root::Open(path);
}

absl::StatusOr<lifecycle::Root> MakeRoot(const cli::VerbCall& call) {
  STAVE_ASSIGN_OR_RETURN(const std::string path, lifecycle::RootPath(call.global.Get("root")));
  return lifecycle::Root::Make(path);
}

lifecycle::Warn Warner(const cli::VerbCall& call) {
  return [warn = call.warn](const std::string& message) { warn(message); };
}

absl::Status ReadHandover(const cli::VerbCall& call, lifecycle::HandoverOptions* options) {
  options->pid_file = call.own.Get("pid-file");
  options->console_socket = call.own.Get("console-socket");
  options->pidfd_socket = call.own.Get("pidfd-socket");
  STAVE_ASSIGN_OR_RETURN(options->console_size, ConsoleSize(call));
  STAVE_ASSIGN_OR_RETURN(options->preserve_fds, PreservedDescriptors(call));
  return absl::OkStatus();
}

absl::StatusOr<lifecycle::CgroupManager> Manager(const cli::VerbCall& call) {
  const std::string manager = call.global.Get("cgroup-manager");
  if (manager == "disabled") {
    return base::WithHint(
        base::Error(absl::StatusCode::kUnimplemented, "E_UNSUPPORTED",
                    "--cgroup-manager: disabled: a container always has a cgroup of its own"),
        "use the manager cgroupfs");
  }
  const bool systemd = call.global.Has("systemd-cgroup") || manager == "systemd";
  return systemd ? lifecycle::CgroupManager::kSystemd : lifecycle::CgroupManager::kCgroupfs;
}

absl::StatusOr<bool> WantsJson(const cli::VerbCall& call) {
  const std::string format = call.own.Get("format");
  if (format == "json") return true;
  if (format.empty() || format == "table") return false;
  return cli::UsageError(
      absl::StrCat("--format: \"", base::Printable(format, 64), "\": is neither table nor json"));
}

absl::Status Print(absl::string_view text) { return base::WriteAll(STDOUT_FILENO, text, "stdout"); }

}  // namespace stave::stave_oci
