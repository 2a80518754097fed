// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-monitor/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/log/driver.h"

namespace stave::tools {
namespace {

constexpr size_t kPiece = size_t{64} << 10;

}  // namespace

base::UniqueFd Own(int64_t fd) {
  base::UniqueFd own(static_cast<int>(fd));
  if (own.valid()) ::fcntl(own.get(), F_SETFD, FD_CLOEXEC);
  return own;
}

absl::Status PayloadStreams::Open(const Orders& orders, const WatchedContainer& container) {
  has_terminal_ = container.has_terminal();
  TakeStreams(orders);
  log::WriterOptions options = container.LogOptions();
  const auto folder = container.LogFolder();
  if (!folder.ok()) options.driver = log::Driver::kNone;
  auto log = log::Writer::Open(folder.ok() ? folder->get() : -1, options);
  if (!log.ok()) {
    options.driver = log::Driver::kNone;
    log = log::Writer::Open(-1, options);
  }
  STAVE_RETURN_IF_ERROR(log.status());
  log_.emplace(*std::move(log));
  return absl::OkStatus();
}

void PayloadStreams::TakeStreams(const Orders& orders) {
  input_ = Own(orders.in);
  for (const auto& [fd, stream, number] : {std::tuple(orders.out, log::Stream::kStdout, 1),
                                           std::tuple(orders.err, log::Stream::kStderr, 2)}) {
    if (fd >= 0) sources_.push_back({Own(fd), stream, number, 0});
  }
  if (input_.valid()) ::fcntl(input_.get(), F_SETFL, O_NONBLOCK);
  base::UniqueFd master = Own(orders.terminal);
  if (master.valid()) {
    // As long as somebody has its other side open, the master does not hang up.
    terminal_ = base::UniqueFd(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (auto keys = base::Duplicate(master.get()); keys.ok()) input_ = *std::move(keys);
    sources_.push_back({std::move(master), log::Stream::kStdout, 1, 0});
  }
  for (const Source& source : sources_) ::fcntl(source.fd.get(), F_SETFL, O_NONBLOCK);
}

void PayloadStreams::AddTo(bool held, std::list<Client>* clients, std::vector<pollfd>* polls) {
  for (Source& source : sources_) {
    source.slot = polls->size();
    polls->push_back({held ? -1 : source.fd.get(), POLLIN, 0});
  }
  for (Client& client : *clients) client.AddTo(input_.valid(), polls);
  // What was typed waits for the payload to take it.
  for (Client& client : *clients) {
    if (client.typed()->empty() || !input_.valid()) continue;
    polls->push_back({input_.get(), POLLOUT, 0});
    break;
  }
}

bool PayloadStreams::Serve(const std::vector<pollfd>& polls, std::list<Client>* clients) {
  bool read = false;
  for (Source& source : sources_) {
    if (polls[source.slot].revents != 0) read = ReadFrom(&source, false, clients) || read;
  }
  PassInput(clients);
  return read;
}

// `drains`: all that is there, of a payload that has ended; else one piece.
bool PayloadStreams::ReadFrom(Source* source, bool drains, std::list<Client>* clients) {
  if (!piece_) piece_.reset(new char[kPiece]);
  bool read = false;
  do {
    const ssize_t n = ::read(source->fd.get(), piece_.get(), kPiece);
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) source->fd.Reset();  // its last writer has closed it
    if (n <= 0) return read;
    const absl::string_view bytes(piece_.get(), static_cast<size_t>(n));
    log_->Write(source->stream, bytes, absl::Now());
    for (Client& client : *clients) client.Show(source->number, bytes);
    read = true;
  } while (drains);
  return read;
}

void PayloadStreams::PassInput(std::list<Client>* clients) {
  for (Client& client : *clients) {
    std::string* typed = client.typed();
    while (!typed->empty() && input_.valid()) {
      const ssize_t n = ::write(input_.get(), typed->data(), typed->size());
      if (n > 0) {
        typed->erase(0, static_cast<size_t>(n));
      } else if (errno == EAGAIN) {
        break;
      } else if (errno != EINTR) {
        input_.Reset();  // the payload has closed its stdin
      }
    }
    if (!input_.valid()) {
      typed->clear();
      client.CloseInput();
    }
    const bool ends = client.input_ended() && client.ends_input() && typed->empty();
    if (ends && !has_terminal_) input_.Reset();
  }
}

void PayloadStreams::SetSize(const monitor::TerminalSize& size) {
  if (!terminal_.valid() || size.rows == 0) return;
  const winsize wanted{size.rows, size.columns, 0, 0};
  ::ioctl(terminal_.get(), TIOCSWINSZ, &wanted);
}

// With the first process of a pid namespace all others are gone once it has been reaped, so what
// the pipes hold now is all there is.
void PayloadStreams::Drain(std::list<Client>* clients) {
  for (Source& source : sources_) {
    if (source.fd.valid()) ReadFrom(&source, true, clients);
    log_->End(source.stream, absl::Now());
  }
  sources_.clear();
  input_.Reset();
  terminal_.Reset();
  for (Client& client : *clients) client.EndOutput();
}

void PayloadStreams::ReleaseMemory() {
  piece_.reset();
  log_->ReleaseMemory();
}

}  // namespace stave::tools
