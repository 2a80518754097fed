// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/exec_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libs/base/pipe.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"

namespace stave::runtime {
namespace {

// Whether somebody still has its other side open.
bool ReadAndDrop(int master) {
  char dropped[4096];
  const ssize_t n = ::read(master, dropped, sizeof dropped);
  return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

}  // namespace

void LeaveCaller() {
  ::setsid();
  base::ResetSignals();
  [[maybe_unused]] const int changed = ::chdir("/");
}

void Attend(Launched* launched, const std::function<void(const Ended&)>& ended) {
  while (launched->pidfd.valid() || launched->terminal.valid()) {
    pollfd polls[] = {{launched->pidfd.get(), POLLIN, 0}, {launched->terminal.get(), POLLIN, 0}};
    if (::poll(polls, 2, -1) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    if (polls[1].revents != 0 && !ReadAndDrop(launched->terminal.get())) {
      launched->terminal.Reset();
    }
    if (polls[0].revents == 0) continue;
    if (const auto how = Reap(launched->pid); how.ok()) ended(*how);
    launched->pidfd.Reset();
  }
}

absl::Status LeaveReader(int master) {
  STAVE_ASSIGN_OR_RETURN(base::Pipe ready, base::MakePipe("terminal"));
  const pid_t child = ::fork();
  if (child < 0) return base::PosixError(errno, "terminal", "leave a reader");
  if (child == 0) {
    LeaveCaller();
    const int null = ::open("/dev/null", O_RDWR | O_NOCTTY | O_CLOEXEC);
    for (int fd = 0; fd <= 2; ++fd) ::dup2(fd == 0 ? master : null, fd);
    ::syscall(SYS_close_range, 3, ~0u, 0);  // which tells that it is ready
    while (ReadAndDrop(STDIN_FILENO)) {
    }
    ::_exit(0);
  }
  ready.writer.Reset();
  return base::ReadAll(ready.reader.get(), 0, "terminal").status();
}

}  // namespace stave::runtime
