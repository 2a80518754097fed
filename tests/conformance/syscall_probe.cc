// SPDX-License-Identifier: Apache-2.0
//
// syscall_probe [-s] [-t] [-p] NUMBER[:ARG...]...: makes system calls, prints "RESULT ERRNO" each.
// -s: a SIGSYS is caught and printed as "SIGSYS ERRNO", with the errno that the filter gave.
// -t: a second thread makes them; when that has ended, the first prints "alive".
// -p: a traced child makes them; what a filter tells the tracer is printed as "TRACE DATA".
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

char** g_calls;

// Straight to the descriptor: a filter may end the process at any moment.
void Print(const char* format, ...) {
  char line[128];
  va_list values;
  va_start(values, format);
  const int size = vsnprintf(line, sizeof(line), format, values);
  va_end(values);
  if (write(STDOUT_FILENO, line, size) != size) _exit(3);
}

void OnSigsys(int, siginfo_t* info, void*) { Print("SIGSYS %d\n", info->si_errno); }

void* MakeCalls(void*) {
  for (char** call = g_calls; *call != nullptr; ++call) {
    unsigned long words[7] = {};
    char* rest = *call;
    for (unsigned long& word : words) {
      word = strtoul(rest, &rest, 0);
      if (*rest++ != ':') break;
    }
    errno = 0;
    const long result =
        syscall(words[0], words[1], words[2], words[3], words[4], words[5], words[6]);
    Print("%ld %d\n", result, result < 0 ? errno : 0);
  }
  return nullptr;
}

void CatchSigsys() {
  struct sigaction action = {};
  action.sa_sigaction = OnSigsys;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSYS, &action, nullptr);
}

// The kernel wakes pthread_join() for a thread that a filter has killed, too.
void MakeCallsInThread() {
  pthread_t thread;
  if (pthread_create(&thread, nullptr, MakeCalls, nullptr) != 0) _exit(3);
  pthread_join(thread, nullptr);
  Print("alive\n");
}

int MakeCallsTraced() {
  const pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    raise(SIGSTOP);
    MakeCalls(nullptr);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL);
  while (!WIFEXITED(status) && !WIFSIGNALED(status)) {
    if (status >> 8 == (SIGTRAP | (PTRACE_EVENT_SECCOMP << 8))) {
      unsigned long data = 0;
      ptrace(PTRACE_GETEVENTMSG, child, nullptr, &data);
      Print("TRACE %lu\n", data);
    }
    ptrace(PTRACE_CONT, child, nullptr, nullptr);
    waitpid(child, &status, 0);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace

int main(int argc, char** argv) {
  bool thread = false;
  bool traced = false;
  for (int option; (option = getopt(argc, argv, "+stp")) != -1;) {
    if (option == 's') CatchSigsys();
    if (option == 't') thread = true;
    if (option == 'p') traced = true;
  }
  g_calls = argv + optind;
  if (traced) return MakeCallsTraced();
  if (thread) {
    MakeCallsInThread();
  } else {
    MakeCalls(nullptr);
  }
  return 0;
}
