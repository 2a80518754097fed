// SPDX-License-Identifier: Apache-2.0
#include "libs/base/termination.h"

#include <sys/wait.h>
#include <unistd.h>

namespace stave::base {
namespace {

bool HasEnded(pid_t pid) {
  siginfo_t info = {};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
         info.si_pid != 0;
}

}  // namespace

TerminationHold::TerminationHold() {
  ::sigemptyset(&held_);
  for (const int signal : {SIGHUP, SIGINT, SIGTERM}) {
    struct sigaction is;
    // Blocked, an ignored one would be seen: nohup(1) would be in vain.
    if (::sigaction(signal, nullptr, &is) == 0 && is.sa_handler != SIG_IGN) {
      ::sigaddset(&held_, signal);
    }
  }
  ::sigaddset(&held_, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &held_, &before_);
}

TerminationHold::~TerminationHold() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

int TerminationHold::Await(const ChildProcess& child) const {
  const timespec now = {0, 0};
  for (;;) {
    const bool ended = HasEnded(child.pid());
    // The lowest comes first, and SIGCHLD is the highest.
    const int signal =
        ended ? ::sigtimedwait(&held_, nullptr, &now) : ::sigwaitinfo(&held_, nullptr);
    if (signal > 0 && signal != SIGCHLD) return signal;
    if (ended) return 0;
  }
}

void EndBySignal(int signal) {
  ::signal(signal, SIG_DFL);
  sigset_t only;
  ::sigemptyset(&only);
  ::sigaddset(&only, signal);
  ::raise(signal);
  ::sigprocmask(SIG_UNBLOCK, &only, nullptr);
  ::_exit(128 + signal);
}

}  // namespace stave::base
