// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/child_streams.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"
#include "libs/runtime/init_image.h"
#include "libs/runtime/report.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

namespace stave::runtime {
namespace {

constexpr int kHigh = 10;  // above what the child puts on numbers of its choice

std::string NumberOrDash(int fd) { return fd < 0 ? "-" : absl::StrCat(fd); }

void Inherit(int fd) {
  if (fd >= 0) ::fcntl(fd, F_SETFD, 0);
}

}  // namespace

absl::StatusOr<Terminal> OpenTerminal(int pts, const Process& process) {
  struct statfs fs;
  if (pts < 0 || ::fstatfs(pts, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_DOCUMENT",
                       "/process/terminal: needs a devpts among the mounts");
  }
  Terminal made;
  made.master = base::UniqueFd(::openat(pts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
  int unlock = 0;
  if (!made.master.valid() || ::ioctl(made.master.get(), TIOCSPTLCK, &unlock) < 0) {
    return base::PosixError(errno, "/dev/pts/ptmx", "open");
  }
  made.slave =
      base::UniqueFd(::ioctl(made.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!made.slave.valid()) return base::PosixError(errno, "/dev/pts/ptmx", "open the terminal");
  if (process.uid != 0 && ::fchown(made.slave.get(), process.uid, static_cast<gid_t>(-1)) < 0) {
    return base::PosixError(errno, "terminal", "chown");
  }
  if (process.rows != 0 && process.columns != 0) {
    const winsize size{process.rows, process.columns, 0, 0};
    ::ioctl(made.master.get(), TIOCSWINSZ, &size);
  }
  return made;
}

absl::Status SetStreams(int in, int out, int err, const Terminal& terminal,
                        const Process& process) {
  int sources[3] = {in, out, err};
  if (terminal.slave.valid()) sources[0] = sources[1] = sources[2] = terminal.slave.get();
  // Out of the way of 0-2 first: out may be 0 and in may be 1.
  for (int& source : sources) {
    source = ::fcntl(source, F_DUPFD_CLOEXEC, kHigh);
    if (source < 0) return base::PosixError(errno, "streams", "duplicate");
  }
  for (int fd = 0; fd <= 2; ++fd) {
    if (::dup2(sources[fd], fd) < 0) return base::PosixError(errno, "streams", "duplicate");
    struct statfs fs;
    if (process.uid != 0 && ::fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC) {
      [[maybe_unused]] const int done = ::fchown(fd, process.uid, static_cast<gid_t>(-1));
    }
  }
  return absl::OkStatus();
}

absl::Status CloseOnExec(int preserved) {
  const unsigned first = 3u + static_cast<unsigned>(preserved);
  for (int fd = 3; fd < 3 + preserved; ++fd) Inherit(fd);
  if (::syscall(SYS_close_range, first, ~0u, CLOSE_RANGE_CLOEXEC) == 0) return absl::OkStatus();
  return base::PosixError(errno, "descriptors", "close_range");
}

void CloseAllBut(std::vector<int> kept, int first) {
  std::sort(kept.begin(), kept.end());
  for (const int fd : kept) {
    if (fd < first) continue;
    if (fd > first) ::syscall(SYS_close_range, first, fd - 1, 0);
    first = fd + 1;
  }
  ::syscall(SYS_close_range, first, ~0u, 0);
}

absl::StatusOr<base::UniqueFd> SealedInit() {
  base::UniqueFd memory(::memfd_create("stave-init", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC));
  if (!memory.valid() && errno == EINVAL) {  // MFD_EXEC: Linux 6.3
    memory = base::UniqueFd(::memfd_create("stave-init", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  }
  if (!memory.valid()) return base::PosixError(errno, "stave-init", "memfd_create");
  STAVE_RETURN_IF_ERROR(base::WriteAll(memory.get(), InitImage(), "stave-init"));
  if (::fchmod(memory.get(), 0555) < 0) return base::PosixError(errno, "stave-init", "chmod");
  if (::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) <
      0) {
    return base::PosixError(errno, "stave-init", "seal");
  }
  base::UniqueFd high(::fcntl(memory.get(), F_DUPFD_CLOEXEC, kHigh));
  if (!high.valid()) return base::PosixError(errno, "stave-init", "duplicate");
  return high;
}

absl::Status Execute(const InitOrder& order, const Process& process, const std::string& program) {
  std::string mode = order.reap ? "i" : "x";
  if (order.fork) mode += 'f';
  if (order.terminal) mode += 't';
  std::vector<std::string> args = {"stave-init",
                                   mode,
                                   absl::StrCat(order.report),
                                   NumberOrDash(order.gate),
                                   NumberOrDash(order.parent),
                                   program};
  args.insert(args.end(), process.args.begin(), process.args.end());
  if (process.args.empty()) args.emplace_back();  // a container that nobody can start
  const std::vector<char*> argv = base::ExecPointers(args), env = base::ExecPointers(process.env);
  Inherit(order.report);
  Inherit(order.gate);
  Inherit(order.parent);
  SendReady(order.ready);
  ::syscall(SYS_execveat, order.program, "", argv.data(), env.data(), AT_EMPTY_PATH);
  const absl::Status failed = base::PosixError(errno, "stave-init", "execute");
  if (absl::IsInternal(failed) || errno != E2BIG) return failed;
  return WithExitCode(base::Error(absl::StatusCode::kFailedPrecondition, "E_NOT_EXECUTABLE",
                                  "exec: argument list too long: arguments and environment exceed "
                                  "the kernel's limit"),
                      kNotExecutable);
}

absl::Status DieWithParent(int parent) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
    return base::PosixError(errno, "parent", "watch");
  pollfd watch{parent, POLLIN, 0};
  if (::poll(&watch, 1, 0) > 0) return absl::AbortedError("the parent went away");
  return absl::OkStatus();
}

}  // namespace stave::runtime
