// SPDX-License-Identifier: Apache-2.0
#include "libs/base/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "libs/base/pipe.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"

namespace stave::base {
namespace {

// In the child, between fork and exec: system calls only.
[[noreturn]] void GiveUp(int report) {
  const int error = errno;
  [[maybe_unused]] const ssize_t n = ::write(report, &error, sizeof error);
  ::_exit(127);
}

[[noreturn]] void Exec(const Command& command, char* const* argv, char* const* environment,
                       int report, pid_t parent) {
  if (command.die_with_parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
  }
  // First out of the way of every number that is wanted, then into place.
  int last = 2;
  for (const auto& [mine, theirs] : command.fds) last = std::max(last, theirs);
  const int safe_report = ::fcntl(report, F_DUPFD_CLOEXEC, last + 1);
  if (safe_report < 0) GiveUp(report);
  int moved[16];
  const size_t count = std::min<size_t>(command.fds.size(), 16);
  for (size_t i = 0; i < count; ++i) {
    moved[i] = ::fcntl(command.fds[i].first, F_DUPFD_CLOEXEC, last + 1);
    if (moved[i] < 0) GiveUp(safe_report);
  }
  ::syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC);
  for (size_t i = 0; i < count; ++i) {
    if (::dup2(moved[i], command.fds[i].second) < 0) GiveUp(safe_report);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::execve(command.path.c_str(), argv, environment);
  GiveUp(safe_report);
}

}  // namespace

std::vector<char*> ExecPointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

void ResetSignals() {
  // As the kernel takes it (a handler, flags, a restorer, a mask), all zero: SIG_DFL. The C library
  // keeps 32 and 33 to itself, but a caller may have left them ignored.
  constexpr unsigned long kDefault[4] = {};
  constexpr size_t kMaskSize = 8;
  for (int signal = 1; signal <= 64; ++signal) {
    ::syscall(SYS_rt_sigaction, signal, kDefault, nullptr, kMaskSize);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool NullStreams() {
  UniqueFd null(::open("/dev/null", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!null.valid()) return false;
  for (int fd = 0; fd <= 2; ++fd) {
    if (::dup2(null.get(), fd) < 0) return false;
  }
  if (null.get() <= 2) (void)null.Release();  // it was free, and is one of them now
  return true;
}

int ReapChild(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

ChildProcess::~ChildProcess() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ReapChild(pid_);
}

absl::StatusOr<int> ChildProcess::Wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0) {
    if (errno != EINTR) return PosixError(errno, absl::StrCat("process ", pid_), "wait");
  }
  pid_ = -1;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

absl::StatusOr<ChildProcess> Start(const Command& command) {
  const std::vector<char*> argv = ExecPointers(command.args);
  std::vector<char*> given;
  if (command.environment.has_value()) given = ExecPointers(*command.environment);
  char* const* environment = command.environment.has_value() ? given.data() : environ;
  STAVE_ASSIGN_OR_RETURN(Pipe report, MakePipe(command.path));
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return PosixError(errno, command.path, "fork");
  if (pid == 0) Exec(command, argv.data(), environment, report.writer.get(), parent);
  ChildProcess child(pid);
  report.writer.Reset();
  int error = 0;
  ssize_t n;
  do {
    n = ::read(report.reader.get(), &error, sizeof error);
  } while (n < 0 && errno == EINTR);
  if (n > 0) return PosixError(error, command.path, "execute");
  return child;
}

absl::StatusOr<std::string> LibexecDir() {
  if (const char* set = ::getenv("STAVE_LIBEXEC"); set != nullptr && set[0] == '/') return set;
  char exe[PATH_MAX];
  const ssize_t n = ::readlink("/proc/self/exe", exe, sizeof exe - 1);
  if (n < 0) return PosixError(errno, "/proc/self/exe", "readlink");
  std::string dir(exe, static_cast<size_t>(n));
  dir.resize(dir.rfind('/'));
  if (dir.size() >= 14 && dir.compare(dir.size() - 14, 14, "/libexec/stave") == 0) return dir;
  return absl::StrCat(dir.substr(0, dir.rfind('/')), "/libexec/stave");
}

}  // namespace stave::base
