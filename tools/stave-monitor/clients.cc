// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-monitor/clients.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "libs/base/error.h"
#include "libs/base/pipe.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"

namespace stave::tools {
namespace {

constexpr size_t kHoldAt = size_t{64} << 10;  // the payload waits
// For one that does not hold it only as long as that one reads on.
constexpr absl::Duration kPatience = absl::Seconds(1);
constexpr size_t kTypedAtOnce = size_t{16} << 10;
constexpr size_t kNoSlot = static_cast<size_t>(-1);
// For the log's next file, a check, a record.
constexpr rlim_t kSpare = 16;
constexpr absl::Duration kShutFor = absl::Seconds(1);

// The kernel gives the lowest number that is free.
bool IsAmongTheLast(int fd) {
  rlimit limit;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  return static_cast<rlim_t>(fd) >= limit.rlim_cur - std::min(kSpare, limit.rlim_cur / 4);
}

// For one more connection.
bool HasRoom(int listener, bool leaves_some) {
  const base::UniqueFd next(::fcntl(listener, F_DUPFD_CLOEXEC, 0));
  return next.valid() && !(leaves_some && IsAmongTheLast(next.get()));
}

absl::StatusOr<base::UniqueFd> Pass(int socket, int number) {
  STAVE_ASSIGN_OR_RETURN(base::Pipe pipe, base::MakePipe("streams"));
  base::UniqueFd& ours = number == 0 ? pipe.reader : pipe.writer;
  const base::UniqueFd& theirs = number == 0 ? pipe.writer : pipe.reader;
  if (IsAmongTheLast(ours.get())) return base::PosixError(EMFILE, "streams", "pipe");
  ::fcntl(ours.get(), F_SETFL, O_NONBLOCK);
  STAVE_RETURN_IF_ERROR(
      monitor::Send(socket, monitor::Answer(monitor::StreamGiven{number}), theirs.get()));
  return std::move(ours);
}

}  // namespace

absl::Status Client::Attach(const monitor::AttachWish& wish, bool terminal) {
  if (wish.in) {
    STAVE_ASSIGN_OR_RETURN(in_, Pass(socket_.get(), 0));
  }
  if (wish.out) {
    STAVE_ASSIGN_OR_RETURN(outputs_[0].fd, Pass(socket_.get(), 1));
  }
  if (wish.err && !terminal) {
    STAVE_ASSIGN_OR_RETURN(outputs_[1].fd, Pass(socket_.get(), 2));
  }
  attached_ = true;
  holds_ = wish.holds;
  ends_input_ = wish.ends_input;
  waits_for_end = true;
  return monitor::Send(socket_.get(), monitor::Answer(monitor::Done{terminal}));
}

void Client::Tell(const monitor::Answer& answer) {
  if (!gone() && !monitor::Send(socket_.get(), answer).ok()) Leave();
}

void Client::Leave() {
  socket_.Reset();
  in_.Reset();
  for (Output& output : outputs_) output = Output();
}

void Client::Show(int number, absl::string_view bytes) {
  Output& output = outputs_[number - 1];
  if (!output.fd.valid()) return;
  output.waiting.append(bytes.data(), bytes.size());
  Flush(&output);
}

base::Deadline Client::deadline() const {
  base::Deadline first = base::Deadline::Never();
  if (holds_ || gone()) return first;
  for (const Output& output : outputs_) {
    const size_t waiting = output.waiting.size() - output.done;
    if (waiting == 0 || (waiting <= kHoldAt && !output_ended_)) continue;
    if (output.patience.Left() < first.Left()) first = output.patience;
  }
  return first;
}

void Client::LeaveIfSlow() {
  if (!deadline().Passed()) return;
  Tell(monitor::Answer(base::Error(absl::StatusCode::kResourceExhausted, "E_SLOW",
                                   "it was not read from for too long: what came is lost")));
  Leave();
}

void Client::Flush(Output* output) {
  while (output->fd.valid() && output->done < output->waiting.size()) {
    const ssize_t n = ::write(output->fd.get(), output->waiting.data() + output->done,
                              output->waiting.size() - output->done);
    if (n > 0) {
      output->done += static_cast<size_t>(n);
      output->patience = base::Deadline::Never();
    } else if (errno == EAGAIN) {
      if (output->patience.PollTimeout() < 0) output->patience = base::Deadline::After(kPatience);
      if (output->done > output->waiting.size() / 2) {
        output->waiting.erase(0, output->done);
        output->done = 0;
      }
      return;
    } else if (errno != EINTR) {
      *output = Output();  // nobody reads it any more
    }
  }
  if (output->waiting.capacity() > 4096) output->waiting = std::string();
  output->waiting.clear();
  output->done = 0;
  output->patience = base::Deadline::Never();
}

bool Client::IsFull() const {
  for (const Output& output : outputs_) {
    if (output.waiting.size() - output.done > kHoldAt) return true;
  }
  return false;
}

bool Client::IsFlushed() const {
  return outputs_[0].waiting.empty() && outputs_[1].waiting.empty();
}

void Client::AddTo(bool reads_input, std::vector<pollfd>* polls) {
  socket_slot_ = polls->size();
  polls->push_back({socket_.get(), POLLIN, 0});
  in_slot_ = kNoSlot;
  if (in_.valid() && reads_input && typed_.empty() && !input_ended_) {
    in_slot_ = polls->size();
    polls->push_back({in_.get(), POLLIN, 0});
  }
  for (Output& output : outputs_) {
    output.slot = kNoSlot;
    if (output.waiting.empty()) continue;
    output.slot = polls->size();
    polls->push_back({output.fd.get(), POLLOUT, 0});
  }
}

void Client::Type() {
  typed_.resize(kTypedAtOnce);
  const ssize_t n = ::read(in_.get(), typed_.data(), typed_.size());
  typed_.resize(n > 0 ? static_cast<size_t>(n) : 0);
  if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR))) return;
  typed_ = std::string();
  input_ended_ = true;
  in_.Reset();
}

bool Client::Serve(const std::vector<pollfd>& polls) {
  if (in_slot_ != kNoSlot && polls[in_slot_].revents != 0) Type();
  for (Output& output : outputs_) {
    if (output.slot != kNoSlot && polls[output.slot].revents != 0) Flush(&output);
  }
  return polls[socket_slot_].revents != 0;
}

void Entrance::AddTo(size_t clients, std::vector<pollfd>* polls) {
  if (shut_ && (clients < clients_then_ || again_.Passed())) {
    shut_ = false;
    again_ = base::Deadline::Never();
  }
  slot_ = polls->size();
  polls->push_back({shut_ ? -1 : listener_.get(), POLLIN, 0});
}

void Entrance::Shut(size_t clients) {
  shut_ = true;
  clients_then_ = clients;
  again_ = base::Deadline::After(kShutFor);  // others may have given some back
}

void Entrance::Serve(const std::vector<pollfd>& polls, std::list<Client>* clients) {
  while (polls[slot_].revents != 0 && !shut_) {
    if (!HasRoom(listener_.get(), !clients->empty())) return Shut(clients->size());
    base::UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (socket.valid()) {
      clients->emplace_back(std::move(socket));
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      Shut(clients->size());
    }
  }
}

base::Deadline FirstDeadline(const std::list<Client>& clients) {
  base::Deadline first = base::Deadline::Never();
  for (const Client& client : clients) {
    const base::Deadline deadline = client.deadline();
    if (deadline.Left() < first.Left()) first = deadline;
  }
  return first;
}

bool AreFlushed(const std::list<Client>& clients) {
  return std::all_of(clients.begin(), clients.end(),
                     [](const Client& client) { return client.IsFlushed(); });
}

}  // namespace stave::tools
