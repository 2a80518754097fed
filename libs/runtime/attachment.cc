// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/attachment.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <list>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/pty/relay.h"
#include "libs/pty/terminal.h"
#include "libs/runtime/passed_signals.h"
#include "libs/runtime/report.h"

namespace stave::runtime {
namespace {

constexpr int kMostInterrupts = 3;

absl::Status Gone() {
  return base::Error(absl::StatusCode::kAborted, "E_MONITOR",
                     "the monitor of the container has died");
}

// The terminal that is typed at; invalid if there is none.
base::UniqueFd OpenTerminal(const AttachmentWishes& wishes) {
  if (!wishes.terminal) return base::UniqueFd();
  if (wishes.input >= 0 && ::isatty(wishes.input)) {
    auto same = base::Duplicate(wishes.input);
    return same.ok() ? *std::move(same) : base::UniqueFd();
  }
  if (wishes.input >= 0 && wishes.in) return base::UniqueFd();
  return base::UniqueFd(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
}

struct Output {
  const char* name;
  pty::Relay relay;
};

class Attachment {
 public:
  Attachment(int socket, const AttachmentWishes& wishes) : socket_(socket), wishes_(wishes) {}

  absl::StatusOr<Attached> Run();

 private:
  absl::Status TakeStreams();
  absl::Status Begin();
  void TellSize(int more);
  void TakeSignal();
  absl::Status TakeAnswer();
  bool IsShown() const;
  absl::Status CheckOutputs();
  absl::Status RunOnce();

  const int socket_;
  const AttachmentWishes& wishes_;
  base::UniqueFd terminal_, streams_[3], signals_;
  std::list<Output> outputs_;
  std::optional<pty::Relay> input_;
  std::optional<pty::RawMode> raw_;
  std::optional<monitor::Ended> ended_;
  int interrupts_ = 0;
};

absl::Status Attachment::TakeStreams() {
  for (;;) {
    STAVE_ASSIGN_OR_RETURN(monitor::Received received, monitor::ReceiveAnswer(socket_));
    if (const auto* stream = std::get_if<monitor::StreamGiven>(&received.answer)) {
      streams_[stream->number] = std::move(received.fd);
    } else if (const auto* refused = std::get_if<absl::Status>(&received.answer)) {
      return *refused;
    } else if (std::holds_alternative<monitor::Done>(received.answer)) {
      return absl::OkStatus();
    } else {
      ended_ = std::get<monitor::Ended>(received.answer);
      return absl::OkStatus();
    }
  }
}

absl::Status Attachment::Begin() {
  STAVE_ASSIGN_OR_RETURN(signals_, BlockPassedSignals());
  for (const int number : {1, 2}) {
    if (!streams_[number].valid()) continue;
    STAVE_ASSIGN_OR_RETURN(base::UniqueFd shown, base::Duplicate(number));
    outputs_.push_back(
        {number == 1 ? "stdout" : "stderr",
         pty::Relay(streams_[number].get(), std::move(shown), pty::Relay::AtEnd::kKeep)});
  }
  terminal_ = OpenTerminal(wishes_);
  if (terminal_.valid() && !ended_) {
    // A terminal that has changed its size is drawn anew.
    TellSize(1);
    TellSize(0);
  }
  if (!streams_[0].valid()) return absl::OkStatus();
  const int from = terminal_.valid() ? terminal_.get() : wishes_.input;
  input_.emplace(from, std::move(streams_[0]), pty::Relay::AtEnd::kClose);
  if (!terminal_.valid()) return absl::OkStatus();
  input_->StopAt(wishes_.keys);
  STAVE_ASSIGN_OR_RETURN(pty::RawMode raw, pty::RawMode::Enter(terminal_.get()));
  raw_.emplace(std::move(raw));
  return absl::OkStatus();
}

void Attachment::TellSize(int more) {
  const pty::Size size = pty::GetSize(terminal_.get());
  if (size.rows == 0) return;
  const monitor::TerminalSize told{static_cast<uint16_t>(size.rows + more), size.columns};
  monitor::Send(socket_, monitor::Request(told)).IgnoreError();
}

void Attachment::TakeSignal() {
  signalfd_siginfo info;
  if (::read(signals_.get(), &info, sizeof info) != sizeof info) return;
  int signal = static_cast<int>(info.ssi_signo);
  if (signal == SIGWINCH) {
    if (terminal_.valid()) TellSize(0);
    return;
  }
  if (signal == SIGCONT && raw_) raw_->Again().IgnoreError();
  if ((signal == SIGINT || signal == SIGTERM) && ++interrupts_ >= kMostInterrupts) signal = SIGKILL;
  if (!wishes_.passes_signals) {
    // What it would have done without us.
    raw_.reset();
    sigset_t one;
    ::sigemptyset(&one);
    ::sigaddset(&one, signal);
    ::signal(signal, SIG_DFL);
    ::raise(signal);
    ::sigprocmask(SIG_UNBLOCK, &one, nullptr);
    return;
  }
  monitor::Send(socket_, monitor::Request(monitor::SignalWish{signal})).IgnoreError();
}

absl::Status Attachment::TakeAnswer() {
  auto received = monitor::ReceiveAnswer(socket_, MSG_DONTWAIT);
  if (!received.ok()) return absl::IsAborted(received.status()) ? Gone() : received.status();
  if (const auto* refused = std::get_if<absl::Status>(&received->answer)) return *refused;
  if (const auto* ended = std::get_if<monitor::Ended>(&received->answer)) ended_ = *ended;
  return absl::OkStatus();
}

bool Attachment::IsShown() const {
  for (const Output& output : outputs_) {
    if (!output.relay.finished()) return false;
  }
  return true;
}

absl::Status Attachment::CheckOutputs() {
  for (const Output& output : outputs_) {
    if (!output.relay.broken()) continue;
    if (output.relay.error() != 0) return NotShown(output.relay.error(), output.name);
    raw_.reset();
    ::signal(SIGPIPE, SIG_DFL);
    ::raise(SIGPIPE);
  }
  return absl::OkStatus();
}

absl::Status Attachment::RunOnce() {
  std::vector<pollfd> polls = {{ended_ ? -1 : socket_, POLLIN, 0}, {signals_.get(), POLLIN, 0}};
  for (Output& output : outputs_) output.relay.AddTo(&polls);
  if (input_) input_->AddTo(&polls);
  if (::poll(polls.data(), polls.size(), -1) < 0) return absl::OkStatus();
  for (Output& output : outputs_) output.relay.Serve(polls);
  if (input_) input_->Serve(polls);
  if (polls[1].revents != 0) TakeSignal();
  STAVE_RETURN_IF_ERROR(CheckOutputs());
  return polls[0].revents != 0 ? TakeAnswer() : absl::OkStatus();
}

absl::StatusOr<Attached> Attachment::Run() {
  const absl::Status given = TakeStreams();
  if (absl::IsAborted(given)) return Gone();
  STAVE_RETURN_IF_ERROR(given);
  STAVE_RETURN_IF_ERROR(Begin());
  while (!ended_ || !IsShown()) {
    STAVE_RETURN_IF_ERROR(RunOnce());
    if (input_ && input_->stopped()) return Attached{std::nullopt, true};
  }
  return Attached{ended_->code, false};
}

}  // namespace

absl::StatusOr<monitor::AttachWish> WishOf(const AttachmentWishes& wishes) {
  monitor::AttachWish wish;
  wish.in = wishes.in;
  wish.out = wishes.out;
  wish.err = wishes.err;
  wish.holds = wishes.holds;
  wish.ends_input = wishes.ends_input;
  if (!wishes.terminal) return wish;
  const base::UniqueFd terminal = OpenTerminal(wishes);
  if (!terminal.valid() && wishes.in) {
    return base::WithHint(base::Error(absl::StatusCode::kFailedPrecondition, "E_NO_TTY",
                                      "the input device is not a TTY"),
                          "without -t the payload gets pipes");
  }
  if (terminal.valid()) {
    const pty::Size size = pty::GetSize(terminal.get());
    wish.size = {size.rows, size.columns};
  }
  return wish;
}

absl::StatusOr<Attached> Attach(int socket, const AttachmentWishes& wishes) {
  return Attachment(socket, wishes).Run();
}

}  // namespace stave::runtime
