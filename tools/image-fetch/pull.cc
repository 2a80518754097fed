// SPDX-License-Identifier: Apache-2.0
#include "tools/image-fetch/pull.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"
#include "libs/base/unique_fd.h"
#include "libs/cli/document.h"

namespace stave::tools {

absl::Status Pull(const PullRequest& request) {
  STAVE_ASSIGN_OR_RETURN(const std::string libexec, base::LibexecDir());
  const base::UniqueFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!nothing.valid()) return base::PosixError(errno, "/dev/null", "open");
  base::Command command;
  command.path = libexec + "/stave-pull";
  command.args = {"stave-pull", "--store", request.store};
  if (!request.platform.empty()) {
    command.args.insert(command.args.end(), {"--platform", request.platform});
  }
  if (request.quiet) command.args.push_back("--quiet");
  command.args.push_back("--");
  command.args.push_back(request.source);
  command.fds = {{nothing.get(), STDIN_FILENO}, {STDERR_FILENO, STDOUT_FILENO}};

  auto child = base::Start(command);
  if (absl::IsNotFound(child.status())) {
    return base::WithHint(
        base::Error(absl::StatusCode::kNotFound, "E_HELPER",
                    absl::StrCat(command.path, ": the helper that fetches images is missing")),
        "install stave's libexec folder beside its programs");
  }
  if (!child.ok()) return child.status();
  STAVE_ASSIGN_OR_RETURN(const int code, child->Wait());
  if (code == 0) return absl::OkStatus();
  if (code < 128) return cli::SilentFailure();
  return base::Error(absl::StatusCode::kInternal, "E_HELPER",
                     absl::StrCat("stave-pull: was ended by signal ", code - 128));
}

}  // namespace stave::tools
