// SPDX-License-Identifier: Apache-2.0
#include "libs/pty/relay.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace stave::pty {
namespace {

// A pipe that polls writable takes this much without blocking: pipe(7) PIPE_BUF.
constexpr size_t kPiece = 4096;

// Whether this error of write(2) to `fd` says that its reader is gone. (isatty(3) says no of a
// terminal that has hung up.)
bool IsGone(int fd, int error) {
  struct stat st;
  return error == EPIPE || (error == EIO && ::fstat(fd, &st) == 0 && S_ISCHR(st.st_mode));
}

}  // namespace

Relay::Relay(int from, base::UniqueFd to, AtEnd at_end)
    : from_(from), to_(std::move(to)), at_end_(at_end) {}

void Relay::AddTo(std::vector<pollfd>* polls) {
  slot_ = polls->size();
  if (finished_) {
    polls->push_back({-1, 0, 0});
  } else if (piece_.empty()) {
    polls->push_back({from_, POLLIN, 0});
  } else {
    polls->push_back({to_.get(), POLLOUT, 0});
  }
}

void Relay::Serve(const std::vector<pollfd>& polls) {
  const short happened = polls[slot_].revents;
  if (finished_ || happened == 0) return;
  if (piece_.empty()) {
    Read();
    if (!piece_.empty()) {
      // Most of the time there is room.
      pollfd room{to_.get(), POLLOUT, 0};
      if (::poll(&room, 1, 0) > 0) Write();
    }
  } else {
    Write();
  }
  if (ended_ && piece_.empty()) Finish();
}

void Relay::Read() {
  char buffer[kPiece];
  const ssize_t n = ::read(from_, buffer, sizeof buffer);
  if (n > 0) {
    Take(absl::string_view(buffer, static_cast<size_t>(n)));
  } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
    ended_ = true;  // a pty's master says EIO when nobody has the other side open
    if (!broken_) piece_ = keys_.TakeHeld();
  }
}

void Relay::Take(absl::string_view bytes) {
  stopped_ = keys_.Feed(bytes, &piece_);
  if (stopped_) ended_ = true;
  if (broken_) piece_.clear();
}

void Relay::Write() {
  const ssize_t n = ::write(to_.get(), piece_.data(), piece_.size());
  if (n > 0) {
    piece_.erase(0, static_cast<size_t>(n));
  } else if (errno != EINTR && errno != EAGAIN) {
    const int error = errno;
    piece_.clear();
    broken_ = true;
    error_ = IsGone(to_.get(), error) ? 0 : error;
    // A reader is told that nobody listens; whoever writes to a terminal goes on.
    if (at_end_ == AtEnd::kClose) ended_ = true;
  }
}

void Relay::Finish() {
  finished_ = true;
  if (at_end_ == AtEnd::kClose) to_.Reset();
}

void Relay::Drain() {
  while (!finished_) {
    while (!piece_.empty()) {
      // `to` may be non-blocking: its flags are its owner's.
      pollfd room{to_.get(), POLLOUT, 0};
      ::poll(&room, 1, -1);
      Write();
    }
    if (ended_) return Finish();
    pollfd ready{from_, POLLIN, 0};
    if (::poll(&ready, 1, 0) <= 0) return;
    Read();
  }
}

}  // namespace stave::pty
