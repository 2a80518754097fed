// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "libs/base/error.h"
#include "libs/base/pipe.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"
#include "libs/base/unique_fd.h"

namespace stave::runtime {
namespace {

constexpr size_t kMostSaid = 1024;
constexpr int kNotExecuted = 127;

absl::Status HookError(absl::StatusCode code, const Hook& hook, absl::string_view why) {
  return base::Error(code, "E_HOOK", absl::StrCat(base::Printable(hook.path), ": ", why));
}

struct Running {
  pid_t pid = -1;
  base::UniqueFd pidfd, input, output;  // `output`: what it says on stdout and stderr
  base::UniqueFd reader;  // of `input`: with it open here too, a write(2) never raises SIGPIPE
};

[[noreturn]] void ExecuteHook(const Hook& hook, int input, int output) {
  base::ResetSignals();
  if (::dup2(input, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(output, 2) < 0) ::_exit(kNotExecuted);
  ::syscall(SYS_close_range, 3u, ~0u, 0u);
  std::vector<char*> argv = base::ExecPointers(hook.args);
  if (hook.args.empty()) argv.insert(argv.begin(), const_cast<char*>(hook.path.c_str()));
  ::execve(hook.path.c_str(), argv.data(), base::ExecPointers(hook.env).data());
  const std::string why = ::strerror(errno);
  [[maybe_unused]] const ssize_t n = ::write(2, why.data(), why.size());
  ::_exit(kNotExecuted);
}

absl::StatusOr<Running> StartHook(const Hook& hook) {
  STAVE_ASSIGN_OR_RETURN(base::Pipe input, base::MakePipe(hook.path));
  STAVE_ASSIGN_OR_RETURN(base::Pipe output, base::MakePipe(hook.path));
  Running running;
  running.reader = std::move(input.reader);
  running.input = std::move(input.writer);
  running.output = std::move(output.reader);
  running.pid = ::fork();
  if (running.pid < 0) return base::PosixError(errno, hook.path, "fork");
  if (running.pid == 0) ExecuteHook(hook, running.reader.get(), output.writer.get());
  running.pidfd = base::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, running.pid, 0)));
  if (!running.pidfd.valid()) {
    const absl::Status failed = base::PosixError(errno, hook.path, "pidfd_open");
    ::kill(running.pid, SIGKILL);
    base::ReapChild(running.pid);
    return failed;
  }
  ::fcntl(running.input.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(running.output.get(), F_SETFL, O_NONBLOCK);
  return running;
}

// Gives it what it can take of `state`; closes its input once it has all.
void Feed(Running* running, absl::string_view* state) {
  const ssize_t n = ::write(running->input.get(), state->data(), state->size());
  if (n > 0) state->remove_prefix(static_cast<size_t>(n));
  if (state->empty() || (n < 0 && errno != EAGAIN && errno != EINTR)) running->input.Reset();
}

// At most what a pipe holds, and not for as long as somebody writes.
void Listen(int output, std::string* said) {
  char buffer[4096];
  for (int reads = 0; reads < 16; ++reads) {
    const ssize_t n = ::read(output, buffer, sizeof buffer);
    if (n <= 0) return;
    const size_t room = kMostSaid - std::min(kMostSaid, said->size());
    said->append(buffer, std::min(room, static_cast<size_t>(n)));
  }
}

using Clock = std::chrono::steady_clock;

// For poll(2): -1 without a deadline, else what is left, a day at most.
int MillisecondsUntil(const std::optional<Clock::time_point>& deadline) {
  if (!deadline) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, 86400000));
}

// Until it has ended. False: its time is up.
bool Attend(Running* running, absl::string_view state,
            const std::optional<Clock::time_point>& deadline, std::string* said) {
  for (;;) {
    if (state.empty()) running->input.Reset();
    pollfd watched[3] = {{running->pidfd.get(), POLLIN, 0},
                         {running->output.get(), POLLIN, 0},
                         {running->input.get(), POLLOUT, 0}};
    const int ready = ::poll(watched, 3, MillisecondsUntil(deadline));
    if (ready == 0 && MillisecondsUntil(deadline) == 0) return false;
    if (watched[1].revents != 0) Listen(running->output.get(), said);
    // A hook that has closed its output while it runs would keep poll(2) from sleeping.
    if ((watched[1].revents & POLLHUP) != 0) running->output.Reset();
    if (watched[2].revents != 0) Feed(running, &state);
    if (watched[0].revents != 0) return true;
  }
}

absl::Status RunHook(const Hook& hook, absl::string_view state) {
  STAVE_ASSIGN_OR_RETURN(Running running, StartHook(hook));
  std::optional<Clock::time_point> deadline;
  // A century is as good as more, and adds up without overflow.
  if (hook.timeout) {
    deadline = Clock::now() + absl::ToChronoSeconds(std::min(*hook.timeout, absl::Hours(876600)));
  }
  std::string said;
  const bool ended = Attend(&running, state, deadline, &said);
  if (!ended) ::kill(running.pid, SIGKILL);
  const int status = base::ReapChild(running.pid);
  if (!ended) {
    return HookError(absl::StatusCode::kDeadlineExceeded, hook,
                     absl::StrCat("has not ended within ", absl::FormatDuration(*hook.timeout)));
  }
  if (running.output.valid()) Listen(running.output.get(), &said);
  if (status == 0) return absl::OkStatus();
  const std::string how = WIFSIGNALED(status) ? absl::StrCat("killed by signal ", WTERMSIG(status))
                                              : absl::StrCat("exit status ", WEXITSTATUS(status));
  const absl::string_view words = absl::StripSuffix(said, "\n");
  return HookError(
      absl::StatusCode::kAborted, hook,
      words.empty() ? how : absl::StrCat(how, ": ", base::Printable(words, kMostSaid)));
}

}  // namespace

absl::Status RunHooks(const std::vector<Hook>& hooks, absl::string_view kind,
                      absl::string_view state) {
  for (size_t i = 0; i < hooks.size(); ++i) {
    STAVE_RETURN_IF_ERROR(
        base::WithContext(RunHook(hooks[i], state), absl::StrCat("/hooks/", kind, "/", i)));
  }
  return absl::OkStatus();
}

void RunAllHooks(const std::vector<Hook>& hooks, absl::string_view kind, absl::string_view state,
                 const std::function<void(const std::string&)>& warn) {
  for (size_t i = 0; i < hooks.size(); ++i) {
    const absl::Status ran = RunHook(hooks[i], state);
    if (ran.ok() || !warn) continue;
    warn(absl::StrCat("/hooks/", kind, "/", i, ": ", ran.message()));
  }
}

bool PoststartMayFail(absl::string_view oci_version) {
  for (const absl::string_view old : {"1.0.", "1.1.", "1.2."}) {
    if (absl::StartsWith(oci_version, old)) return true;
  }
  return false;
}

}  // namespace stave::runtime
