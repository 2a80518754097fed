// SPDX-License-Identifier: Apache-2.0
//
// What is said between a stave-monitor and who wants something of it, over the SOCK_SEQPACKET
// socket RUN/containers/ID/attach.sock. Messages only: the payload's bytes go through descriptors
// that the monitor passes.
//
//   client                              monitor
//   AttachWish                ->
//                             <-        StreamGiven 0, 1, 2 as wished for, each with a pipe's end
//                             <-        Done
//   TerminalSize, as often as ->
//                             <-        Ended, when the end has been written down
//
//   StopWish                  ->
//                             <-        Done: it has begun; it goes on if the client goes
//                             <-        Ended
//
//   SignalWish, UpdateWish    ->
//                             <-        Done
//
// Anything may be answered by a Status: it is refused, and why. Each message bears the version of
// the protocol; a monitor of another version refuses [E_VERSION]. Whoever may connect is root in
// the sense of the store (0700 folders, mode 0600).

#ifndef STAVE_LIBS_MONITOR_CHANNEL_H_
#define STAVE_LIBS_MONITOR_CHANNEL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/unique_fd.h"

namespace stave::monitor {

inline constexpr char kSocketName[] = "attach.sock";

struct TerminalSize {
  uint16_t rows = 0, columns = 0;  // 0: unknown
};
struct AttachWish {
  bool in = false, out = true, err = true;
  // The payload waits for this client as for the reader of a pipe. Without it only while the client
  // reads on: one that takes nothing for a second, with 64 KiB waiting for it, loses the connection
  // [E_SLOW].
  bool holds = false;
  bool ends_input = false;  // the end of this client's input is the end of the payload's
  TerminalSize size;        // of the client's terminal
};
struct StopWish {
  absl::Duration timeout = absl::Seconds(10);  // until SIGKILL; infinite: never
  int signal = 0;                              // 0: the container's stop signal
};
struct SignalWish {
  int signal = 0;  // SIGKILL counts as a stop: no restart follows
};
struct UpdateWish {
  std::string restart;  // as of oci::ParseRestart
};
using Request = std::variant<AttachWish, TerminalSize, StopWish, SignalWish, UpdateWish>;

struct StreamGiven {
  int number = 0;  // 0: to be written to; 1, 2: to be read until its end
};
struct Done {
  bool terminal = false;  // of AttachWish: the payload has a terminal
};
struct Ended {
  std::optional<int> code;  // 128+n for a signal; absent: nobody saw it
};
using Answer = std::variant<StreamGiven, Done, Ended, absl::Status>;

struct Received {
  Answer answer;
  base::UniqueFd fd;  // of StreamGiven
};

// The monitor of the container whose run folder is `run`. Errors: NotFound if there is none, or it
// has died.
absl::StatusOr<base::UniqueFd> Connect(int run);

// The socket to listen at, non-blocking. One that a dead monitor left is replaced.
absl::StatusOr<base::UniqueFd> Listen(int run);

// Both ends of a conversation without a socket file: client, monitor.
struct Pair {
  base::UniqueFd client, monitor;
};
absl::StatusOr<Pair> MakePair();

// Errors: those of sendmsg(2).
absl::Status Send(int socket, const Request& request);
absl::Status Send(int socket, const Answer& answer, int fd = -1);

// Waits for a message; with MSG_DONTWAIT in `flags` it does not (Unavailable: EAGAIN). A Status
// with an exit code (runtime/report.h) keeps it in the payload "stave/exit-code". Errors: Aborted
// if the other side has gone; DataLoss [E_CORRUPT] for what is no such message; Unimplemented
// [E_VERSION].
absl::StatusOr<Request> ReceiveRequest(int socket, int flags);
absl::StatusOr<Received> ReceiveAnswer(int socket, int flags = 0);

}  // namespace stave::monitor

#endif  // STAVE_LIBS_MONITOR_CHANNEL_H_
