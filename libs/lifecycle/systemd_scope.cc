// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/systemd_scope.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/pipe.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"

namespace stave::lifecycle {
namespace {

constexpr size_t kMaxAnswer = 8192;

struct Helper {
  base::ChildProcess process;
  base::UniqueFd output;  // its stdout and stderr
};

absl::StatusOr<Helper> StartHelper(std::vector<std::string> args) {
  STAVE_ASSIGN_OR_RETURN(const std::string libexec, base::LibexecDir());
  const base::UniqueFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!nothing.valid()) return base::PosixError(errno, "/dev/null", "open");
  STAVE_ASSIGN_OR_RETURN(base::Pipe output, base::MakePipe("stave-scope"));
  base::Command command;
  command.path = libexec + "/stave-scope";
  command.args = {"stave-scope"};
  command.args.insert(command.args.end(), args.begin(), args.end());
  command.fds = {{nothing.get(), 0}, {output.writer.get(), 1}, {output.writer.get(), 2}};
  auto child = base::Start(command);
  if (absl::IsNotFound(child.status())) {
    return base::WithHint(
        base::Error(absl::StatusCode::kNotFound, "E_HELPER",
                    absl::StrCat(command.path, ": the helper that asks systemd is missing")),
        "install stave's libexec folder beside its programs");
  }
  if (!child.ok()) return child.status();
  return Helper{*std::move(child), std::move(output.reader)};
}

// What it prints: to the end of a line that is a path, else to its end.
absl::StatusOr<std::string> ReadAnswer(int fd) {
  std::string answer;
  while (answer.size() < kMaxAnswer) {
    char buffer[1024];
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::PosixError(errno, "stave-scope", "read");
    if (n == 0) break;
    answer.append(buffer, static_cast<size_t>(n));
    if (answer[0] == '/' && answer.back() == '\n') break;
  }
  return answer;
}

// "stave-scope: WHAT [E_WORD]\nhint: HINT\n" as our own.
absl::Status Told(absl::string_view answer, int code) {
  const std::vector<std::string> lines = absl::StrSplit(answer, '\n');
  absl::string_view what = absl::StripPrefix(lines[0], "stave-scope: ");
  absl::string_view word = "E_SYSTEMD";
  if (const size_t at = what.rfind(" ["); at != what.npos && absl::EndsWith(what, "]")) {
    word = what.substr(at + 2, what.size() - at - 3);
    what = what.substr(0, at);
  }
  const std::string silent = absl::StrCat("stave-scope ended with ", code);
  const absl::Status status = base::Error(
      absl::StatusCode::kFailedPrecondition, word,
      absl::StrCat("systemd cgroup manager: ", what.empty() ? absl::string_view(silent) : what));
  absl::string_view hint = lines.size() > 1 ? absl::string_view(lines[1]) : "";
  return absl::ConsumePrefix(&hint, "hint: ") ? base::WithHint(status, hint) : status;
}

absl::Status RunHelper(std::vector<std::string> args) {
  STAVE_ASSIGN_OR_RETURN(Helper helper, StartHelper(std::move(args)));
  STAVE_ASSIGN_OR_RETURN(const std::string answer, ReadAnswer(helper.output.get()));
  STAVE_ASSIGN_OR_RETURN(const int code, helper.process.Wait());
  return code == 0 ? absl::OkStatus() : Told(answer, code);
}

}  // namespace

absl::Status CheckSystemdHierarchies(const cgroup::Hierarchies& hierarchies) {
  if (!hierarchies.HasV1()) return absl::OkStatus();
  return base::WithHint(
      base::Error(absl::StatusCode::kUnimplemented, "E_UNSUPPORTED",
                  "systemd cgroup manager: needs cgroup v2 alone, and v1 is in use here"),
      "leave --systemd-cgroup out, and have the engine use its cgroupfs driver");
}

absl::StatusOr<Scope> Scope::Start(const ScopeName& name, const std::string& description,
                                   const std::vector<std::string>& properties) {
  // "--": a unit's name may begin with a dash.
  std::vector<std::string> args = {"--", "start", name.unit, name.slice, description};
  args.insert(args.end(), properties.begin(), properties.end());
  STAVE_ASSIGN_OR_RETURN(Helper helper, StartHelper(std::move(args)));
  STAVE_ASSIGN_OR_RETURN(std::string answer, ReadAnswer(helper.output.get()));
  if (absl::StartsWith(answer, "/") && absl::EndsWith(answer, "\n")) {
    answer.pop_back();
    return Scope(std::move(helper.process), std::move(answer));
  }
  STAVE_ASSIGN_OR_RETURN(const int code, helper.process.Wait());
  return Told(answer, code);
}

absl::Status SetScope(const std::string& unit, const std::vector<std::string>& properties) {
  if (properties.empty()) return absl::OkStatus();
  std::vector<std::string> args = {"--", "set", unit};
  args.insert(args.end(), properties.begin(), properties.end());
  return RunHelper(std::move(args));
}

absl::Status StopScope(const std::string& unit) { return RunHelper({"--", "stop", unit}); }

}  // namespace stave::lifecycle
