// SPDX-License-Identifier: Apache-2.0
//
// The payload's streams in its monitor: what it writes goes to the log and to who is attached, what
// they type goes to it. For a poll(2) loop; nothing here waits.

#ifndef STAVE_TOOLS_STAVE_MONITOR_STREAMS_H_
#define STAVE_TOOLS_STAVE_MONITOR_STREAMS_H_

#include <poll.h>

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/unique_fd.h"
#include "libs/log/writer.h"
#include "libs/monitor/channel.h"
#include "tools/stave-monitor/clients.h"
#include "tools/stave-monitor/container.h"
#include "tools/stave-monitor/orders.h"

namespace stave::tools {

// A descriptor that `orders` names, from now on closed by an execve(2).
base::UniqueFd Own(int64_t fd);

class PayloadStreams {
 public:
  // Takes the descriptors of `orders` and opens the log. A log that cannot be opened is done
  // without.
  absl::Status Open(const Orders& orders, const WatchedContainer& container);

  // `held`: a client wants the payload to wait.
  void AddTo(bool held, std::list<Client>* clients, std::vector<pollfd>* polls);
  // Reads what has come, and passes on what was typed; whether anything has been read.
  bool Serve(const std::vector<pollfd>& polls, std::list<Client>* clients);

  void SetSize(const monitor::TerminalSize& size);

  // The payload has ended: reads what is left. No stream remains.
  void Drain(std::list<Client>* clients);

  void ReleaseMemory();

 private:
  struct Source {
    base::UniqueFd fd;
    log::Stream stream;
    int number;  // 1 or 2
    size_t slot = 0;
  };
  void TakeStreams(const Orders& orders);
  bool ReadFrom(Source* source, bool drains, std::list<Client>* clients);
  void PassInput(std::list<Client>* clients);

  std::optional<log::Writer> log_;
  std::list<Source> sources_;
  base::UniqueFd input_;     // a pipe, or the terminal's master
  base::UniqueFd terminal_;  // its other side
  bool has_terminal_ = false;
  std::unique_ptr<char[]> piece_;
};

}  // namespace stave::tools

#endif  // STAVE_TOOLS_STAVE_MONITOR_STREAMS_H_
