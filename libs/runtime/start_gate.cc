// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/start_gate.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/runtime/report.h"

namespace stave::runtime {
namespace {

constexpr char kGate[] = "exec.fifo";
constexpr char kReport[] = "started.fifo";

absl::StatusOr<base::UniqueFd> MakeFifo(int dirfd, const char* name) {
  if (::mkfifoat(dirfd, name, 0600) < 0) return base::PosixError(errno, name, "mkfifo");
  base::UniqueFd fd(::openat(dirfd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return base::PosixError(errno, name, "open");
  return fd;
}

// Waits for the payload's execve: the FIFO ends when the container's own end of it closes.
absl::Status AwaitExecution(int report, absl::string_view program) {
  STAVE_ASSIGN_OR_RETURN(const std::string text, base::ReadAll(report, 1 << 16, "container"));
  std::string rest = text;
  CutDoubt(&rest);
  return rest.empty() ? absl::OkStatus() : ParseReport(text, program);
}

}  // namespace

absl::StatusOr<GateFiles> MakeStartGate(int dirfd) {
  GateFiles made;
  STAVE_ASSIGN_OR_RETURN(made.gate, MakeFifo(dirfd, kGate));
  STAVE_ASSIGN_OR_RETURN(made.report, MakeFifo(dirfd, kReport));
  return made;
}

bool IsGated(int dirfd) {
  struct stat st;
  return ::fstatat(dirfd, kGate, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISFIFO(st.st_mode);
}

absl::Status OpenStartGate(int dirfd, absl::string_view program) {
  const base::UniqueFd gate(::openat(dirfd, kGate, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  if (!gate.valid() && errno == ENOENT) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "E_STATE",
                       "cannot start an already running container");
  }
  if (!gate.valid() && errno == ENXIO) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "E_STATE",
                       "cannot start a container that has stopped");
  }
  if (!gate.valid()) return base::PosixError(errno, kGate, "open");
  const base::UniqueFd report(
      ::openat(dirfd, kReport, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  if (!report.valid()) return base::PosixError(errno, kReport, "open");
  STAVE_RETURN_IF_ERROR(base::WriteAll(gate.get(), "s", kGate));
  // From here on it is started, whatever happens to this process.
  if (::unlinkat(dirfd, kGate, 0) < 0) return base::PosixError(errno, kGate, "remove");
  const absl::Status executed = AwaitExecution(report.get(), program);
  ::unlinkat(dirfd, kReport, 0);
  return executed;
}

}  // namespace stave::runtime
