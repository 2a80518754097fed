// SPDX-License-Identifier: Apache-2.0
//
// Those who are connected to a monitor: what they see of the payload, what they type, and what they
// have asked for. For a poll(2) loop; nothing here waits.
//
//   client.AddTo(reads_input, &polls);  ::poll(..);  if (client.Serve(polls)) ..

#ifndef STAVE_TOOLS_STAVE_MONITOR_CLIENTS_H_
#define STAVE_TOOLS_STAVE_MONITOR_CLIENTS_H_

#include <poll.h>

#include <cstddef>
#include <list>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "libs/base/deadline.h"
#include "libs/base/unique_fd.h"
#include "libs/monitor/channel.h"

namespace stave::tools {

// One connection.
class Client {
 public:
  explicit Client(base::UniqueFd socket) : socket_(std::move(socket)) {}

  int socket() const { return socket_.get(); }
  bool attached() const { return attached_; }
  bool gone() const { return !socket_.valid(); }

  // Makes the streams and passes them. Errors: those of pipe(2) and sending.
  absl::Status Attach(const monitor::AttachWish& wish, bool terminal);
  void Tell(const monitor::Answer& answer);
  void Leave();

  // stdout (1) or stderr (2) of the payload.
  void Show(int number, absl::string_view bytes);
  // Whether the payload has to wait for it: without `holds` not for longer than it reads on.
  bool IsFull() const;
  // When one that does not hold the payload, and does not read, is to go; and that [E_SLOW].
  base::Deadline deadline() const;
  void LeaveIfSlow();
  // Whether all has been handed over that it will take.
  bool IsFlushed() const;
  // The payload writes no more.
  void EndOutput() { output_ended_ = true; }
  bool IsDone() const { return output_ended_ && IsFlushed(); }

  void AddTo(bool reads_input, std::vector<pollfd>* polls);
  // Takes what has come; true if there is a request to be received.
  bool Serve(const std::vector<pollfd>& polls);

  // What it has typed and nobody has taken yet; and whether nothing more will come.
  std::string* typed() { return &typed_; }
  bool input_ended() const { return input_ended_; }
  bool ends_input() const { return ends_input_; }
  void CloseInput() { in_.Reset(); }

  bool waits_for_end = false;

 private:
  struct Output {
    base::UniqueFd fd;
    std::string waiting;
    size_t done = 0;                                    // of `waiting`
    size_t slot = 0;                                    // in the polls
    base::Deadline patience = base::Deadline::Never();  // with it, since it takes nothing more
  };
  void Flush(Output* output);
  void Type();

  base::UniqueFd socket_;
  base::UniqueFd in_;
  Output outputs_[2];
  std::string typed_;
  bool attached_ = false, holds_ = false, ends_input_ = false;
  bool input_ended_ = false, output_ended_ = false;
  size_t socket_slot_ = 0, in_slot_ = 0;
};

// Where they come in. Some descriptors are left for what the monitor itself has to open; with no
// more than those, who comes waits until somebody has gone, or a second later there are more. One
// is served even so.
class Entrance {
 public:
  // `listener`: non-blocking.
  void Open(base::UniqueFd listener) { listener_ = std::move(listener); }
  // Who waits is sent away.
  void Close() { listener_.Reset(); }
  int listener() const { return listener_.get(); }

  void AddTo(size_t clients, std::vector<pollfd>* polls);
  // When it is to be tried again.
  base::Deadline deadline() const { return again_; }
  void Serve(const std::vector<pollfd>& polls, std::list<Client>* clients);

 private:
  void Shut(size_t clients);

  base::UniqueFd listener_;
  bool shut_ = false;
  size_t clients_then_ = 0;                         // when it was shut
  base::Deadline again_ = base::Deadline::Never();  // never, unless it is shut
  size_t slot_ = 0;
};

// When the first of them is to go, as of Client::deadline.
base::Deadline FirstDeadline(const std::list<Client>& clients);
bool AreFlushed(const std::list<Client>& clients);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_STAVE_MONITOR_CLIENTS_H_
