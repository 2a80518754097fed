// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/foreground.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "libs/base/error.h"
#include "libs/base/pipe.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/runtime/passed_signals.h"
#include "libs/runtime/report.h"
#include "libs/runtime/sent_signals.h"

namespace stave::runtime {
absl::StatusOr<Ended> Reap(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return base::PosixError(errno, "container", "wait");
  }
  Ended ended;
  ended.pid = pid;
  if (WIFSIGNALED(status)) ended.signal = WTERMSIG(status);
  ended.code = WIFSIGNALED(status) ? 128 + ended.signal : WEXITSTATUS(status);
  return ended;
}

absl::StatusOr<Foreground> Foreground::Prepare(const StreamWishes& wishes) {
  Foreground made;
  made.interactive_ = wishes.interactive;
  made.detach_keys_ = wishes.detach_keys;
  STAVE_RETURN_IF_ERROR(wishes.terminal ? made.PrepareTerminal(wishes)
                                        : made.PrepareStreams(wishes));
  STAVE_ASSIGN_OR_RETURN(made.signals_, BlockPassedSignals());
  return made;
}

absl::Status Foreground::PrepareTerminal(const StreamWishes& wishes) {
  if (wishes.input >= 0 && ::isatty(wishes.input)) {
    STAVE_ASSIGN_OR_RETURN(terminal_, base::Duplicate(wishes.input));
  } else if (wishes.input < 0) {
    terminal_ = base::UniqueFd(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
  }
  if (!terminal_.valid() && (wishes.interactive || !wishes.may_lack_terminal)) {
    return base::WithHint(base::Error(absl::StatusCode::kFailedPrecondition, "E_NO_TTY",
                                      "the input device is not a TTY"),
                          "without -t the payload gets pipes");
  }
  // Unused by the payload, which gets the pty's other side.
  in_ = base::UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC));
  STAVE_ASSIGN_OR_RETURN(out_, base::Duplicate(in_.get()));
  STAVE_ASSIGN_OR_RETURN(err_, base::Duplicate(in_.get()));
  return absl::OkStatus();
}

absl::Status Foreground::PrepareStreams(const StreamWishes& wishes) {
  if (!wishes.interactive) {
    in_ = base::UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!in_.valid()) return base::PosixError(errno, "/dev/null", "open");
  } else if (::isatty(wishes.input)) {
    STAVE_ASSIGN_OR_RETURN(base::Pipe pipe, base::MakePipe("streams"));
    STAVE_ASSIGN_OR_RETURN(base::UniqueFd source, base::Duplicate(wishes.input));
    inputs_.emplace_back(source.get(), std::move(pipe.writer), pty::Relay::AtEnd::kClose);
    sources_.push_back(std::move(source));
    in_ = std::move(pipe.reader);
  } else {
    STAVE_ASSIGN_OR_RETURN(in_, base::Duplicate(wishes.input));
  }
  STAVE_ASSIGN_OR_RETURN(out_, RelayedOutput(STDOUT_FILENO));
  STAVE_ASSIGN_OR_RETURN(err_, RelayedOutput(STDERR_FILENO));
  return absl::OkStatus();
}

absl::StatusOr<base::UniqueFd> Foreground::RelayedOutput(int to) {
  if (!::isatty(to)) return base::Duplicate(to);
  STAVE_ASSIGN_OR_RETURN(base::Pipe pipe, base::MakePipe("streams"));
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd target, base::Duplicate(to));
  outputs_.emplace_back(pipe.reader.get(), std::move(target), pty::Relay::AtEnd::kKeep);
  sources_.push_back(std::move(pipe.reader));
  return std::move(pipe.writer);
}

pty::Size Foreground::size() const {
  return terminal_.valid() ? pty::GetSize(terminal_.get()) : pty::Size();
}

absl::Status Foreground::StartTerminal(int master) {
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd screen, base::Duplicate(STDOUT_FILENO));
  outputs_.emplace_back(master, std::move(screen), pty::Relay::AtEnd::kKeep);
  if (terminal_.valid()) pty::SetSize(master, pty::GetSize(terminal_.get()));
  if (!interactive_) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd keys, base::Duplicate(master));
  inputs_.emplace_back(terminal_.get(), std::move(keys), pty::Relay::AtEnd::kKeep);
  inputs_.back().StopAt(detach_keys_);
  auto raw = pty::RawMode::Enter(terminal_.get());
  if (!raw.ok()) return raw.status();
  raw_.emplace(*std::move(raw));
  return absl::OkStatus();
}

void Foreground::TakeSignal(const Launched& launched) {
  signalfd_siginfo info;
  if (::read(signals_.get(), &info, sizeof info) != sizeof info) return;
  int signal = static_cast<int>(info.ssi_signo);
  if (signal == SIGWINCH && launched.terminal.valid() && terminal_.valid()) {
    pty::SetSize(launched.terminal.get(), pty::GetSize(terminal_.get()));
    return;
  }
  if (signal == SIGCONT && raw_) raw_->Again().IgnoreError();
  if ((signal == SIGINT || signal == SIGTERM) && ++interrupts_ >= 3) signal = SIGKILL;
  // Of a terminal's keys there is no sender.
  const Asker asker{static_cast<pid_t>(info.ssi_pid), info.ssi_uid};
  NoteSignal(signal, "signal", asker, &sent_);
  ::syscall(SYS_pidfd_send_signal, launched.pidfd.get(), signal, nullptr, 0);
}

// Without a terminal of the payload's only what is one is relayed to: that fails by hanging up.
void Foreground::NoteUnshown() {
  if (outputs_.empty() || outputs_.front().error() == 0) return;
  shown_ = NotShown(outputs_.front().error(), "stdout");
}

// The kernel hangs up the other side of a pty whose master is closed.
void Foreground::HangUp(Launched* launched) {
  NoteUnshown();
  inputs_.clear();
  outputs_.clear();
  launched->terminal.Reset();
}

absl::Status Foreground::Loop(Launched* launched) {
  for (;;) {
    // Of the caller's terminal only POLLHUP is asked, which poll(2) always tells.
    const bool shown = launched->terminal.valid();
    std::vector<pollfd> polls = {{launched->pidfd.get(), POLLIN, 0},
                                 {signals_.get(), POLLIN, 0},
                                 {shown ? terminal_.get() : -1, 0, 0}};
    for (pty::Relay& relay : inputs_) relay.AddTo(&polls);
    for (pty::Relay& relay : outputs_) relay.AddTo(&polls);
    if (::poll(polls.data(), polls.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return base::PosixError(errno, "container", "poll");
    }
    if (polls[1].revents != 0) TakeSignal(*launched);
    for (pty::Relay& relay : inputs_) relay.Serve(polls);
    for (pty::Relay& relay : outputs_) relay.Serve(polls);
    if (detached()) return absl::OkStatus();
    if (polls[0].revents != 0) return absl::OkStatus();
    if (shown && (polls[2].revents != 0 || outputs_.front().broken())) HangUp(launched);
  }
}

absl::StatusOr<Ended> Foreground::Watch(Launched* launched) {
  in_.Reset();
  out_.Reset();
  err_.Reset();
  if (launched->terminal.valid()) STAVE_RETURN_IF_ERROR(StartTerminal(launched->terminal.get()));
  STAVE_RETURN_IF_ERROR(Loop(launched));
  if (detached()) {
    raw_.reset();
    Ended ended;
    ended.detached = true;
    return ended;
  }
  // With the first process of a pid namespace all others are gone once it has been reaped, so what
  // the pipes hold now is all there is.
  STAVE_ASSIGN_OR_RETURN(Ended ended, Reap(launched->pid));
  ended.sent = std::move(sent_);
  for (pty::Relay& relay : outputs_) relay.Drain();
  NoteUnshown();
  ended.shown = std::move(shown_);
  raw_.reset();
  return ended;
}

}  // namespace stave::runtime
