// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/passed_signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "libs/base/posix.h"

namespace stave::runtime {
namespace {

bool IsPassedOn(int signal) {
  switch (signal) {
    case SIGKILL:
    case SIGSTOP:
    case SIGCHLD:
    case SIGPIPE:
    case SIGURG:
    case SIGTTIN:
    case SIGTTOU:
    case 32:  // the C library's own
    case 33:
      return false;
    default:
      return true;
  }
}

}  // namespace

absl::StatusOr<base::UniqueFd> BlockPassedSignals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (int signal = 1; signal <= 64; ++signal) {
    if (IsPassedOn(signal)) ::sigaddset(&set, signal);
  }
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) < 0)
    return base::PosixError(errno, "signals", "block");
  base::UniqueFd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) return base::PosixError(errno, "signals", "signalfd");
  return fd;
}

}  // namespace stave::runtime
