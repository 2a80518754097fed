// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/conversation.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "libs/base/passing.h"
#include "libs/base/pipe.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/runtime/report.h"
#include "libs/runtime/seccomp_listener.h"

namespace stave::runtime {
namespace {

constexpr char kHooks = 'H', kWarnings = 'W', kListener = 'L';
constexpr size_t kMaxMessage = size_t{1} << 16;

void TakeLines(absl::string_view text, Launched* launched) {
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    launched->warnings.emplace_back(line);
  }
}

}  // namespace

absl::Status AwaitReply(const ChildEnds& ends) {
  char byte;
  ssize_t n;
  do {
    n = ::read(ends.replies, &byte, 1);
  } while (n < 0 && errno == EINTR);
  return n == 1 ? absl::OkStatus() : absl::AbortedError("the parent went away");
}

absl::Status TellAndAwait(const ChildEnds& ends, const std::string& message) {
  STAVE_RETURN_IF_ERROR(base::WriteAll(ends.messages, message, "parent"));
  return AwaitReply(ends);
}

absl::Status SendWarnings(const ChildEnds& ends, const std::vector<std::string>& warnings,
                          int terminal) {
  return base::SendMessage(
      ends.messages, absl::StrCat(std::string(1, kWarnings), absl::StrJoin(warnings, "\n"), "\n"),
      terminal);
}

absl::Status LoadSeccomp(const ChildEnds& ends, const seccomp::Program* filter) {
  STAVE_ASSIGN_OR_RETURN(const int listener, LoadFilter(filter));
  if (listener < 0) return absl::OkStatus();
  STAVE_RETURN_IF_ERROR(TellAndAwait(ends, absl::StrCat(std::string(1, kListener), listener)));
  ::close(listener);
  return absl::OkStatus();
}

absl::StatusOr<Conversation> Conversation::Make() {
  Conversation made;
  STAVE_ASSIGN_OR_RETURN(base::Pipe report, base::MakePipe("report"));
  made.report_reader_ = std::move(report.reader);
  made.report_ = std::move(report.writer);
  STAVE_ASSIGN_OR_RETURN(base::Pipe replies, base::MakePipe("replies"));
  made.replies_ = std::move(replies.reader);
  made.reply_writer_ = std::move(replies.writer);
  int messages[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, messages) < 0) {
    return base::PosixError(errno, "messages", "socketpair");
  }
  made.message_reader_ = base::UniqueFd(messages[0]);
  made.messages_ = base::UniqueFd(messages[1]);
  return made;
}

void Conversation::CloseChildEnds() {
  report_.Reset();
  messages_.Reset();
  replies_.Reset();
}

void Conversation::CloseParentEnds() {
  report_reader_.Reset();
  message_reader_.Reset();
  reply_writer_.Reset();
}

absl::Status Conversation::Answer(const std::string& text, base::UniqueFd fd, const Duties& duties,
                                  Launched* launched) {
  switch (text[0]) {
    case kWarnings:
      TakeLines(absl::string_view(text).substr(1), launched);
      launched->terminal = std::move(fd);
      return absl::OkStatus();
    case kHooks:
      if (duties.created) STAVE_RETURN_IF_ERROR(duties.created(launched->pid));
      break;
    case kListener:
      STAVE_RETURN_IF_ERROR(
          PassListener(*launched, text.substr(1), *duties.listener, duties.state));
      break;
    default:
      return absl::InternalError("the container's first process sent a message of no known kind");
  }
  Reply();
  return absl::OkStatus();
}

// One that has been killed meanwhile is told of by its report.
void Conversation::Reply() {
  [[maybe_unused]] const ssize_t n = ::write(reply_writer_.get(), "x", 1);
}

absl::Status Conversation::Hold(const Duties& duties, Launched* launched) {
  if (duties.write_maps) {
    STAVE_RETURN_IF_ERROR(duties.write_maps(launched->pid));
    Reply();
  }
  for (;;) {
    auto message = base::ReceiveMessage(message_reader_.get(), kMaxMessage, 0);
    // The socket has ended: with the exec, or with the child. The report tells which.
    if (!message.ok()) return absl::OkStatus();
    STAVE_RETURN_IF_ERROR(Answer(message->text, std::move(message->fd), duties, launched));
  }
}

void Conversation::TakeWarnings(Launched* launched) {
  auto message = base::ReceiveMessage(message_reader_.get(), kMaxMessage, MSG_DONTWAIT);
  if (!message.ok() || message->text[0] != kWarnings) return;
  TakeLines(absl::string_view(message->text).substr(1), launched);
  launched->terminal = std::move(message->fd);
}

absl::Status Conversation::Report(const std::string& program) {
  return ReceiveReport(report_reader_.get(), program);
}

}  // namespace stave::runtime
