// SPDX-License-Identifier: Apache-2.0
//
// A payload that prints the number of each signal it gets, a line each, those of the C library's
// own among them; so it asks the kernel itself. It ends with SIGKILL only.
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main() {
  constexpr size_t kSetBytes = 8;
  const uint64_t all = ~uint64_t{0};
  if (::syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, nullptr, kSetBytes) != 0) return 1;
  ::dprintf(STDOUT_FILENO, "up\n");
  for (;;) {
    const long signal = ::syscall(SYS_rt_sigtimedwait, &all, nullptr, nullptr, kSetBytes);
    if (signal > 0) {
      ::dprintf(STDOUT_FILENO, "%ld\n", signal);
    } else if (errno != EINTR) {
      return 1;
    }
  }
}
