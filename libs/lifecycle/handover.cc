// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/atomic_file.h"
#include "libs/base/error.h"
#include "libs/base/passing.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unix_socket.h"

namespace stave::lifecycle {
namespace {

constexpr int kFirst = 3;
constexpr int kMostInherited = 1 << 20;

absl::Status Usage(absl::string_view message) {
  return base::Error(absl::StatusCode::kInvalidArgument, "E_USAGE", message);
}

int Listening() {
  const char* pid = ::getenv("LISTEN_PID");
  const char* count = ::getenv("LISTEN_FDS");
  int number = 0, whom = 0;
  if (pid == nullptr || count == nullptr) return 0;
  if (!absl::SimpleAtoi(pid, &whom) || whom != ::getpid()) return 0;
  return absl::SimpleAtoi(count, &number) && number > 0 ? number : 0;
}

absl::Status SendTerminal(int socket, int master) {
  unsigned int number = 0;
  if (::ioctl(master, TIOCGPTN, &number) < 0) {
    return base::PosixError(errno, "terminal", "TIOCGPTN");
  }
  return base::SendMessage(socket, absl::StrCat("/dev/pts/", number), master);
}

}  // namespace

absl::Status WritePidFile(const std::string& path, pid_t pid) {
  const size_t slash = path.rfind('/');
  const std::string name = slash == path.npos ? path : path.substr(slash + 1);
  const std::string folder = slash == path.npos ? "." : path.substr(0, slash + 1);
  if (name.empty()) return Usage(absl::StrCat(base::Printable(path), ": is a directory"));
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd dir, base::OpenDirAt(AT_FDCWD, folder));
  return base::ReplaceFileAt(dir.get(), name, absl::StrCat(pid), 0644, base::Durability::kVolatile);
}

absl::StatusOr<Inherited> CheckInherited(int preserve_fds) {
  Inherited inherited;
  inherited.listening = Listening();
  inherited.preserved = preserve_fds;
  if (preserve_fds < 0 || inherited.listening > kMostInherited || preserve_fds > kMostInherited) {
    return Usage("more descriptors to preserve than there can be");
  }
  for (int fd = kFirst; fd < kFirst + inherited.count(); ++fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags < 0 || (flags & FD_CLOEXEC) != 0) {
      return Usage(absl::StrCat("preserved descriptor ", fd, ": is not open"));
    }
  }
  return inherited;
}

absl::Status CheckConsole(bool terminal, const std::string& socket, Attachment attachment) {
  const bool detached = attachment == Attachment::kDetached;
  if (detached && terminal && socket.empty()) {
    return base::WithHint(
        Usage("cannot allocate tty if stave-oci will detach without setting console socket"),
        "give --console-socket, or a config without process.terminal");
  }
  if ((!detached || !terminal) && !socket.empty()) {
    return Usage("cannot use console socket if stave-oci will not detach or allocate tty");
  }
  return absl::OkStatus();
}

absl::Status Handover::Connect(const HandoverOptions& options, Attachment attachment,
                               runtime::Process* process) {
  STAVE_RETURN_IF_ERROR(CheckConsole(process->terminal, options.console_socket, attachment));
  if (options.console_size.rows != 0) {
    process->rows = options.console_size.rows;
    process->columns = options.console_size.columns;
  }
  if (!options.console_socket.empty()) {
    STAVE_ASSIGN_OR_RETURN(console_, base::ConnectUnix(options.console_socket));
  }
  if (!options.pidfd_socket.empty()) {
    STAVE_ASSIGN_OR_RETURN(pidfd_, base::ConnectUnix(options.pidfd_socket));
  }
  return absl::OkStatus();
}

absl::Status Handover::Give(runtime::Launched* launched) {
  if (console_.valid()) {
    STAVE_RETURN_IF_ERROR(SendTerminal(console_.get(), launched->terminal.get()));
    console_.Reset();
    launched->terminal.Reset();
  }
  if (pidfd_.valid()) {
    STAVE_RETURN_IF_ERROR(base::SendMessage(pidfd_.get(), "pidfd", launched->pidfd.get()));
    pidfd_.Reset();
  }
  return absl::OkStatus();
}

}  // namespace stave::lifecycle
