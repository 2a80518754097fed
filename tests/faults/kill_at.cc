// SPDX-License-Identifier: Apache-2.0
//
// kill_at - ends one process of a program with SIGKILL before its n-th system call
//
//   kill_at count FILE PROGRAM [ARG...]      runs it and writes to FILE how many system calls each
//                                            of its tasks made: a number a line, in order of birth
//   kill_at TASK N PROGRAM [ARG...]          kills task TASK (0: the program itself) at the entry
//   of
//                                            its N-th call: the N-1 before it are done, this is not
//   kill_at all:TASK N PROGRAM [ARG...]      the same, with all the others, as a power cut would
//   kill_at leave ...                        any of these, of a program that leaves a process
//   behind:
//                                            once it has ended, the others are let go and live on
//
// A task is a process or a thread, and whatever they start counts. Calls count from the program's
// execve(2) on. Returns when all are gone (or left): 0 killed, 3 the point was not reached, 1 it
// cannot work. Like the injection of strace(1), but for one task, and without text for each call.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <set>
#include <utility>
#include <vector>

namespace {

constexpr long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                          PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;

long Trace(int request, pid_t task, unsigned long address, unsigned long data) {
  return ptrace(static_cast<__ptrace_request>(request), task, reinterpret_cast<void*>(address),
                reinterpret_cast<void*>(data));
}

struct Point {
  int task = -1;
  long call = 0;
  bool all = false;
  bool leave = false;
};

class Tracer {
 public:
  explicit Tracer(Point point) : point_(point) {}

  void Run(pid_t program) {
    program_ = program;
    Adopt(program);
    int status = 0;
    pid_t task;
    while ((task = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
      if (task > 0) Take(task, status);
    }
  }
  bool killed() const { return killed_; }
  const std::vector<long>& calls() const { return calls_; }

 private:
  void Adopt(pid_t task) {
    number_[task] = static_cast<int>(calls_.size());
    calls_.push_back(0);
  }

  void AdoptLate(pid_t task) {
    Adopt(task);
    if (point_.all)
      kill(task, SIGKILL);
    else
      Go(task, 0);
  }

  void Go(pid_t task, int signal) {
    Trace(PTRACE_SYSCALL, task, 0, static_cast<unsigned long>(signal));
  }

  // Each stops once more, and is detached then; those that wait for their number already have.
  void LetGo() {
    leaving_ = true;
    for (const pid_t task : std::exchange(early_, {})) Trace(PTRACE_DETACH, task, 0, 0);
    for (const auto& task : number_) Trace(PTRACE_INTERRUPT, task.first, 0, 0);
  }

  void Detach(pid_t task, int status) {
    const int signal = WSTOPSIG(status);
    const bool is_signal = status >> 16 == 0 && signal != (SIGTRAP | 0x80);
    Trace(PTRACE_DETACH, task, 0, is_signal ? static_cast<unsigned long>(signal) : 0);
    number_.erase(task);
  }

  // A new task may stop before its parent has told of it: it waits until then, for its number.
  // After the kill the parent may be dead, and numbers matter no more.
  void Take(pid_t task, int status) {
    if (!WIFSTOPPED(status)) {
      number_.erase(task);
      early_.erase(task);
      if (task == program_ && point_.leave) LetGo();
      return;
    }
    if (leaving_) return Detach(task, status);
    if (number_.count(task) == 0) {
      if (killed_) return AdoptLate(task);
      early_.insert(task);
      return;
    }
    const int event = status >> 16;
    const int signal = WSTOPSIG(status);
    if (signal == (SIGTRAP | 0x80)) return AtCall(task);
    if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE) {
      unsigned long child = 0;
      Trace(PTRACE_GETEVENTMSG, task, 0, reinterpret_cast<unsigned long>(&child));
      const pid_t pid = static_cast<pid_t>(child);
      if (number_.count(pid) == 0) Adopt(pid);
      if (early_.erase(pid) != 0) Go(pid, 0);
      return Go(task, 0);
    }
    if (event == PTRACE_EVENT_EXEC) {
      started_ = true;
      return Go(task, 0);
    }
    if (event == PTRACE_EVENT_STOP) {
      const bool group_stop = signal != SIGTRAP;
      if (group_stop)
        Trace(PTRACE_LISTEN, task, 0, 0);
      else
        Go(task, 0);
      return;
    }
    Go(task, event == 0 ? signal : 0);
  }

  void AtCall(pid_t task) {
    __ptrace_syscall_info info = {};
    Trace(PTRACE_GET_SYSCALL_INFO, task, sizeof info, reinterpret_cast<unsigned long>(&info));
    if (started_ && info.op == PTRACE_SYSCALL_INFO_ENTRY) {
      const int number = number_[task];
      const long call = ++calls_[static_cast<size_t>(number)];
      if (!killed_ && number == point_.task && call == point_.call) {
        killed_ = true;
        kill(task, SIGKILL);
        if (point_.all) {
          for (const auto& other : number_) kill(other.first, SIGKILL);
        }
        for (const pid_t other : std::exchange(early_, {})) AdoptLate(other);
        return;
      }
    }
    Go(task, 0);
  }

  const Point point_;
  pid_t program_ = -1;
  bool leaving_ = false;
  bool started_ = false;
  bool killed_ = false;
  std::map<pid_t, int> number_;
  std::set<pid_t> early_;
  std::vector<long> calls_;
};

// The program, stopped before its execve(2) until somebody traces it; in a session of its own.
pid_t Start(char** argv) {
  int gate[2];
  if (pipe2(gate, O_CLOEXEC) < 0) return -1;
  const pid_t pid = fork();
  if (pid == 0) {
    close(gate[1]);
    setsid();
    char byte;
    if (read(gate[0], &byte, 1) == 1) execvp(argv[0], argv);
    perror(argv[0]);
    _exit(127);
  }
  if (pid < 0 || Trace(PTRACE_SEIZE, pid, 0, kOptions) < 0 || write(gate[1], "", 1) != 1) return -1;
  return pid;
}

}  // namespace

int main(int argc, char** argv) {
  Point point;
  if (argc > 1 && strcmp(argv[1], "leave") == 0) {
    point.leave = true;
    --argc;
    ++argv;
  }
  if (argc < 4) {
    fprintf(
        stderr,
        "usage: kill_at [leave] count FILE PROGRAM... | kill_at [leave] [all:]TASK N PROGRAM...\n");
    return 2;
  }
  const bool counts = strcmp(argv[1], "count") == 0;
  if (!counts) {
    point.all = strncmp(argv[1], "all:", 4) == 0;
    point.task = atoi(argv[1] + (point.all ? 4 : 0));
    point.call = atol(argv[2]);
  }
  const pid_t program = Start(argv + 3);
  if (program < 0) {
    perror("kill_at");
    return 1;
  }
  Tracer tracer(point);
  tracer.Run(program);
  if (!counts) return tracer.killed() ? 0 : 3;
  FILE* out = fopen(argv[2], "w");
  if (out == nullptr) return 1;
  for (const long calls : tracer.calls()) fprintf(out, "%ld\n", calls);
  return fclose(out) == 0 ? 0 : 1;
}
