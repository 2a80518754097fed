// SPDX-License-Identifier: Apache-2.0
#include "libs/monitor/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/passing.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/monitor/protocol.pb.h"

namespace stave::monitor {
namespace {

constexpr uint32_t kVersion = 1;
constexpr size_t kMaxMessage = 16384;
constexpr int kBacklog = 64;
constexpr char kExitCode[] = "stave/exit";  // as in libs/runtime/report.h
constexpr char kCause[] = "stave/cause";    // likewise

absl::Status Corrupt() {
  return base::Error(absl::StatusCode::kDataLoss, "E_CORRUPT", "monitor: a message is damaged");
}

absl::Status CheckVersion(uint32_t version) {
  if (version == kVersion) return absl::OkStatus();
  return base::WithHint(
      base::Error(absl::StatusCode::kUnimplemented, "E_VERSION",
                  absl::StrCat("monitor: speaks version ", version, ", not ", kVersion)),
      "the container was started by another version of stave; restart it");
}

// Reached through the folder's descriptor: sun_path holds 108 bytes.
absl::StatusOr<sockaddr_un> AddressIn(int run) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = absl::StrCat("/proc/self/fd/", run, "/", kSocketName);
  if (path.size() >= sizeof address.sun_path) return base::PosixError(ENAMETOOLONG, path, "open");
  ::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

struct RequestWriter {
  proto::Request* out;
  void operator()(const AttachWish& wish) const {
    proto::Request::Attach& attach = *out->mutable_attach();
    attach.set_in(wish.in);
    attach.set_out(wish.out);
    attach.set_err(wish.err);
    attach.set_holds(wish.holds);
    attach.set_ends_input(wish.ends_input);
    attach.set_rows(wish.size.rows);
    attach.set_columns(wish.size.columns);
  }
  void operator()(const TerminalSize& size) const {
    out->mutable_resize()->set_rows(size.rows);
    out->mutable_resize()->set_columns(size.columns);
  }
  void operator()(const StopWish& wish) const {
    const bool ends = wish.timeout != absl::InfiniteDuration();
    out->mutable_stop()->set_timeout_ms(ends ? absl::ToInt64Milliseconds(wish.timeout) : -1);
    out->mutable_stop()->set_signal(wish.signal);
  }
  void operator()(const SignalWish& wish) const { out->mutable_signal()->set_signal(wish.signal); }
  void operator()(const UpdateWish& wish) const {
    out->mutable_update()->set_restart(wish.restart);
  }
};

struct AnswerWriter {
  proto::Answer* out;
  void operator()(const StreamGiven& given) const {
    out->mutable_stream()->set_number(static_cast<uint32_t>(given.number));
  }
  void operator()(const Done& done) const { out->mutable_done()->set_terminal(done.terminal); }
  void operator()(const Ended& ended) const {
    out->mutable_ended()->set_known(ended.code.has_value());
    out->mutable_ended()->set_code(ended.code.value_or(0));
  }
  void operator()(const absl::Status& status) const {
    proto::Answer::Refused& refused = *out->mutable_refused();
    refused.set_code(static_cast<int>(status.code()));
    refused.set_word(base::ErrorWord(status));
    refused.set_message(std::string(status.message()));
    refused.set_hint(base::ErrorHint(status));
    int exit_code = 0;
    const auto payload = status.GetPayload(kExitCode);
    if (payload && absl::SimpleAtoi(std::string(*payload), &exit_code)) {
      refused.set_exit_code(exit_code);
    }
    const auto cause = status.GetPayload(kCause);
    if (cause) refused.set_cause(std::string(*cause));
  }
};

TerminalSize SizeOf(uint32_t rows, uint32_t columns) {
  return {static_cast<uint16_t>(rows), static_cast<uint16_t>(columns)};
}

absl::StatusOr<Request> ReadRequest(const proto::Request& in) {
  switch (in.act_case()) {
    case proto::Request::kAttach: {
      const proto::Request::Attach& attach = in.attach();
      return AttachWish{attach.in(),         attach.out(),
                        attach.err(),        attach.holds(),
                        attach.ends_input(), SizeOf(attach.rows(), attach.columns())};
    }
    case proto::Request::kResize:
      return SizeOf(in.resize().rows(), in.resize().columns());
    case proto::Request::kStop: {
      const int64_t ms = in.stop().timeout_ms();
      return StopWish{ms < 0 ? absl::InfiniteDuration() : absl::Milliseconds(ms),
                      in.stop().signal()};
    }
    case proto::Request::kSignal:
      return SignalWish{in.signal().signal()};
    case proto::Request::kUpdate:
      return UpdateWish{in.update().restart()};
    case proto::Request::ACT_NOT_SET:
      break;
  }
  return Corrupt();
}

absl::Status ReadRefusal(const proto::Answer::Refused& refused) {
  absl::Status status =
      base::Error(static_cast<absl::StatusCode>(refused.code()), refused.word(), refused.message());
  if (status.ok()) return Corrupt();
  if (!refused.hint().empty()) status = base::WithHint(std::move(status), refused.hint());
  if (refused.exit_code() != 0) {
    status.SetPayload(kExitCode, absl::Cord(absl::StrCat(refused.exit_code())));
  }
  if (!refused.cause().empty()) status.SetPayload(kCause, absl::Cord(refused.cause()));
  return status;
}

absl::StatusOr<Answer> ReadAnswer(const proto::Answer& in) {
  switch (in.what_case()) {
    case proto::Answer::kStream:
      if (in.stream().number() > 2) return Corrupt();
      return Answer(StreamGiven{static_cast<int>(in.stream().number())});
    case proto::Answer::kDone:
      return Answer(Done{in.done().terminal()});
    case proto::Answer::kEnded: {
      Ended ended;
      if (in.ended().known()) ended.code = in.ended().code();
      return Answer(ended);
    }
    case proto::Answer::kRefused:
      return Answer(ReadRefusal(in.refused()));
    case proto::Answer::WHAT_NOT_SET:
      break;
  }
  return Corrupt();
}

}  // namespace

absl::StatusOr<base::UniqueFd> Connect(int run) {
  STAVE_ASSIGN_OR_RETURN(const sockaddr_un address, AddressIn(run));
  base::UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return base::PosixError(errno, "monitor", "socket");
  // A monitor that accepts nobody has room for some only, and connect(2) would wait for more.
  const timeval patience{2, 0}, none{0, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  int result;
  do {
    result = ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  } while (result < 0 && errno == EINTR);
  const int error = errno;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &none, sizeof none);
  if (result == 0) return socket;
  errno = error;
  if (errno == ENOENT || errno == ECONNREFUSED) return absl::NotFoundError("monitor: is not there");
  return base::PosixError(errno, "monitor", "connect");
}

absl::StatusOr<base::UniqueFd> Listen(int run) {
  STAVE_ASSIGN_OR_RETURN(const sockaddr_un address, AddressIn(run));
  base::UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return base::PosixError(errno, "monitor", "socket");
  ::unlinkat(run, kSocketName, 0);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 ||
      ::fchmodat(run, kSocketName, 0600, 0) < 0 || ::listen(socket.get(), kBacklog) < 0) {
    return base::PosixError(errno, kSocketName, "listen");
  }
  return socket;
}

absl::StatusOr<Pair> MakePair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
    return base::PosixError(errno, "monitor", "socketpair");
  }
  return Pair{base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
}

absl::Status Send(int socket, const Request& request) {
  proto::Request out;
  out.set_version(kVersion);
  std::visit(RequestWriter{&out}, request);
  return base::SendMessage(socket, out.SerializeAsString(), -1);
}

absl::Status Send(int socket, const Answer& answer, int fd) {
  proto::Answer out;
  out.set_version(kVersion);
  std::visit(AnswerWriter{&out}, answer);
  return base::SendMessage(socket, out.SerializeAsString(), fd);
}

absl::StatusOr<Request> ReceiveRequest(int socket, int flags) {
  STAVE_ASSIGN_OR_RETURN(const base::Message message,
                         base::ReceiveMessage(socket, kMaxMessage, flags));
  proto::Request in;
  if (!in.ParseFromString(message.text)) return Corrupt();
  STAVE_RETURN_IF_ERROR(CheckVersion(in.version()));
  return ReadRequest(in);
}

absl::StatusOr<Received> ReceiveAnswer(int socket, int flags) {
  STAVE_ASSIGN_OR_RETURN(base::Message message, base::ReceiveMessage(socket, kMaxMessage, flags));
  proto::Answer in;
  if (!in.ParseFromString(message.text)) return Corrupt();
  STAVE_RETURN_IF_ERROR(CheckVersion(in.version()));
  STAVE_ASSIGN_OR_RETURN(Answer answer, ReadAnswer(in));
  return Received{std::move(answer), std::move(message.fd)};
}

}  // namespace stave::monitor
