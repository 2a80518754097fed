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
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"

namespace stave::base {
namespace {

// In the child, between fork and exec: system calls only.
[[noreturn]] void Exec(const Command& command, char* const* argv, int report, pid_t parent) {
  if (command.die_with_parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
  }
  // First out of the way of every number that is wanted, then into place.
  int last = 2;
  for (const auto& [mine, theirs] : command.fds) last = std::max(last, theirs);
  const int safe_report = ::fcntl(report, F_DUPFD_CLOEXEC, last + 1);
  int moved[16];
  const size_t count = std::min<size_t>(command.fds.size(), 16);
  for (size_t i = 0; i < count; ++i) {
    moved[i] = ::fcntl(command.fds[i].first, F_DUPFD_CLOEXEC, last + 1);
  }
  ::syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC);
  for (size_t i = 0; i < count; ++i) ::dup2(moved[i], command.fds[i].second);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::execv(command.path.c_str(), argv);
  const int error = errno;
  [[maybe_unused]] const ssize_t n = ::write(safe_report, &error, sizeof error);
  ::_exit(127);
}

}  // namespace

ChildProcess::~ChildProcess() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
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
  std::vector<char*> argv;
  for (const std::string& arg : command.args) argv.push_back(const_cast<char*>(arg.c_str()));
  argv.push_back(nullptr);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return PosixError(errno, command.path, "pipe");
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return PosixError(errno, command.path, "fork");
  if (pid == 0) Exec(command, argv.data(), writer.get(), parent);
  ChildProcess child(pid);
  writer.Reset();
  int error = 0;
  ssize_t n;
  do {
    n = ::read(reader.get(), &error, sizeof error);
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
