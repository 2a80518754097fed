// SPDX-License-Identifier: Apache-2.0
//
// laps: times commands that it is told on stdin, with as little of its own in them as can be.
//
// A request is a line of words separated by tabs: "run WORD..." executes a command to its end, its
// stdin, stdout and stderr on /dev/null (stderr on laps' own with "see WORD..."), and answers
// "EXIT NANOSECONDS KIB CPU": the exit code (128+n for a signal), the time from the fork until the
// end was seen, the peak RSS of the largest process among it and those it waited for, and the CPU
// time of all these in nanoseconds. "settle" waits until every process that was left to laps has
// ended, and answers "0 0 0 0".
//
// laps is a subreaper and reaps all the time, as the monitors of engines do. It and all that it
// starts go before others (nice -20), so that work beside the bench disturbs it less.
//
// A tiny static program, since the RSS that wait4(2) tells is never less than that of the process
// which forked, and a large one forks slowly.

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>

namespace {

constexpr int kWords = 256;
constexpr int kUsage = 2;

int64_t Now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

int64_t Nanoseconds(const timeval& time) {
  return time.tv_sec * 1'000'000'000 + time.tv_usec * 1'000;
}

// Splits `line` at its tabs, in place; returns how many words there are.
int Split(char* line, char** words) {
  int count = 0;
  for (char* word = strtok(line, "\t\n"); word != nullptr && count + 1 < kWords;
       word = strtok(nullptr, "\t\n")) {
    words[count++] = word;
  }
  words[count] = nullptr;
  return count;
}

void Execute(char** command, int null, bool see) {
  dup2(null, STDIN_FILENO);
  dup2(null, STDOUT_FILENO);
  if (!see) dup2(null, STDERR_FILENO);
  execvp(command[0], command);
  _exit(127);
}

void Run(char** command, int null, bool see) {
  int64_t begin = Now();
  pid_t child = vfork();
  if (child == 0) Execute(command, null, see);
  int status = 0;
  rusage usage{};
  pid_t ended = 0;
  while ((ended = wait4(-1, &status, 0, &usage)) != child && ended > 0) {
  }
  int64_t took = Now() - begin;
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  int64_t cpu = Nanoseconds(usage.ru_utime) + Nanoseconds(usage.ru_stime);
  printf("%d %lld %ld %lld\n", code, static_cast<long long>(took), usage.ru_maxrss,
         static_cast<long long>(cpu));
}

}  // namespace

int main() {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  setpriority(PRIO_PROCESS, 0, -20);
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return 1;
  static char line[1 << 16];
  while (fgets(line, sizeof(line), stdin) != nullptr) {
    char* words[kWords];
    if (Split(line, words) == 0) return kUsage;
    if (strcmp(words[0], "settle") == 0) {
      while (wait4(-1, nullptr, 0, nullptr) > 0) {
      }
      puts("0 0 0 0");
    } else if (words[1] != nullptr) {
      Run(words + 1, null, strcmp(words[0], "see") == 0);
    } else {
      return kUsage;
    }
    fflush(stdout);
  }
  return 0;
}
