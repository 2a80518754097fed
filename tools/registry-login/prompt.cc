// SPDX-License-Identifier: Apache-2.0
#include "tools/registry-login/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "absl/status/status.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"

namespace stave::tools {
namespace {

constexpr char kTerminal[] = "/dev/tty";
constexpr size_t kMaxLine = 4096;

sigset_t Signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) ::sigaddset(&set, signal);
  return set;
}

// A terminal that does not show what is typed, for as long as it lives.
class Hidden {
 public:
  Hidden(int terminal, Echo echo) : terminal_(terminal) {
    if (echo == Echo::kOn || ::tcgetattr(terminal, &before_) < 0) return;
    hidden_ = true;
    Again();
  }
  ~Hidden() { Undo(); }
  Hidden(const Hidden&) = delete;
  Hidden& operator=(const Hidden&) = delete;

  void Again() {
    if (!hidden_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    quiet.c_lflag |= ECHONL;
    ::tcsetattr(terminal_, TCSAFLUSH, &quiet);
  }
  void Undo() {
    if (hidden_) ::tcsetattr(terminal_, TCSAFLUSH, &before_);
  }

 private:
  const int terminal_;
  bool hidden_ = false;
  termios before_{};
};

// Lets a blocked signal do to this process what it does by default; comes back from SIGTSTP.
void Obey(int signal) {
  sigset_t one, before;
  ::sigemptyset(&one);
  ::sigaddset(&one, signal);
  ::raise(signal);
  ::sigprocmask(SIG_UNBLOCK, &one, &before);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
}

absl::Status NothingTyped() {
  return base::Error(absl::StatusCode::kFailedPrecondition, "E_NO_TTY", "no line was typed");
}

}  // namespace

absl::StatusOr<Prompt> Prompt::Open() {
  base::UniqueFd terminal(::open(kTerminal, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal.valid()) {
    return base::WithHint(base::Error(absl::StatusCode::kFailedPrecondition, "E_NO_TTY",
                                      "there is no terminal to ask for a user name and password"),
                          "--username NAME --password-stdin");
  }
  return Prompt(std::move(terminal));
}

absl::StatusOr<std::string> Prompt::ReadLine(absl::string_view text, Echo echo, int signals) {
  Hidden hidden(terminal_.get(), echo);
  STAVE_RETURN_IF_ERROR(base::WriteAll(terminal_.get(), text, kTerminal));
  std::string line;
  while (line.size() < kMaxLine) {
    pollfd ready[] = {{terminal_.get(), POLLIN, 0}, {signals, POLLIN, 0}};
    if (::poll(ready, 2, -1) < 0 && errno != EINTR) return base::PosixError(errno, "poll", "wait");
    signalfd_siginfo info;
    if (ready[1].revents != 0 && ::read(signals, &info, sizeof info) == sizeof info) {
      hidden.Undo();
      Obey(static_cast<int>(info.ssi_signo));
      hidden.Again();
      STAVE_RETURN_IF_ERROR(base::WriteAll(terminal_.get(), text, kTerminal));
      continue;
    }
    if (ready[0].revents == 0) continue;
    char c;
    const ssize_t n = ::read(terminal_.get(), &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::PosixError(errno, kTerminal, "read");
    if (n == 0) return line.empty() ? absl::StatusOr<std::string>(NothingTyped()) : line;
    if (c == '\n') return line;
    line.push_back(c);
  }
  return NothingTyped();
}

absl::StatusOr<std::string> Prompt::Ask(absl::string_view text, Echo echo) {
  const sigset_t wanted = Signals();
  sigset_t before;
  ::sigprocmask(SIG_BLOCK, &wanted, &before);
  const base::UniqueFd signals(::signalfd(-1, &wanted, SFD_CLOEXEC));
  absl::StatusOr<std::string> line = base::PosixError(errno, "signalfd", "make");
  if (signals.valid()) line = ReadLine(text, echo, signals.get());
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  return line;
}

}  // namespace stave::tools
