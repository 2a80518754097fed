// SPDX-License-Identifier: Apache-2.0
#include "tools/image-fetch/pull.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"
#include "libs/base/termination.h"
#include "libs/base/unique_fd.h"
#include "libs/cli/document.h"
#include "libs/store/ingest.h"
#include "libs/store/store.h"

namespace stave::tools {

namespace {

absl::StatusOr<base::Command> MakeCommand(const PullRequest& request) {
  STAVE_ASSIGN_OR_RETURN(const std::string libexec, base::LibexecDir());
  base::Command command;
  command.path = libexec + "/stave-pull";
  command.args = {"stave-pull", "--store", request.store};
  if (!request.platform.empty()) {
    command.args.insert(command.args.end(), {"--platform", request.platform});
  }
  if (request.all_platforms) command.args.push_back("--all-platforms");
  if (request.quiet) command.args.push_back("--quiet");
  if (request.plain_http) command.args.push_back("--plain-http");
  if (request.keep) command.args.push_back("--keep");
  if (request.on_stdout) command.args.push_back("--on-stdout");
  if (request.verbose) command.args.push_back("--v=1");
  if (!request.stall.empty()) {
    command.args.insert(command.args.end(), {"--stall", request.stall});
  }
  if (!request.authfile.empty()) {
    command.args.insert(command.args.end(), {"--authfile", request.authfile});
  }
  command.args.push_back("--");
  command.args.push_back(request.source);
  return command;
}

// Removes what a killed helper leaves, but for partial blobs, which the next one continues. The
// processes that unpack for it may live, and write, a moment longer than it.
void Tidy() {
  constexpr int kTries = 100;
  const auto store = store::Store::Open(store::Access::kRead);
  if (!store.ok() || store->state() < 0) return;
  for (int i = 0; i < kTries && !store::SweepIngest(*store).ok(); ++i) ::usleep(10000);
}

}  // namespace

absl::Status Pull(const PullRequest& request) {
  const base::UniqueFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!nothing.valid()) return base::PosixError(errno, "/dev/null", "open");
  STAVE_ASSIGN_OR_RETURN(base::Command command, MakeCommand(request));
  command.fds = {{nothing.get(), STDIN_FILENO}};
  if (!request.on_stdout) command.fds.push_back({STDERR_FILENO, STDOUT_FILENO});

  const base::TerminationHold hold;
  auto child = base::Start(command);
  if (absl::IsNotFound(child.status())) {
    return base::WithHint(
        base::Error(absl::StatusCode::kNotFound, "E_HELPER",
                    absl::StrCat(command.path, ": the helper that fetches images is missing")),
        "install stave's libexec folder beside its programs");
  }
  if (!child.ok()) return child.status();
  const int signal = hold.Await(*child);
  if (signal != 0) ::kill(child->pid(), SIGKILL);
  STAVE_ASSIGN_OR_RETURN(const int code, child->Wait());
  if (signal != 0 || code > 128) Tidy();
  if (signal != 0) base::EndBySignal(signal);
  if (code == 0) return absl::OkStatus();
  if (code < 128) return cli::SilentFailure();
  return base::Error(absl::StatusCode::kInternal, "E_HELPER",
                     absl::StrCat("stave-pull: was ended by signal ", code - 128));
}

}  // namespace stave::tools
