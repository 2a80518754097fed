// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/by_monitor.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "libs/base/deadline.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/monitor/channel.h"

namespace stave::runtime {
namespace {

constexpr absl::Duration kAnswerHas = absl::Seconds(1);
constexpr absl::Duration kEndHas = absl::Seconds(5);  // after SIGKILL
constexpr int kTries = 5;

enum class Heard { kIt, kNothing, kEnd };  // kEnd: the monitor has closed the socket

// Whether a `T` comes by then; other answers than errors are passed over.
template <typename T>
absl::StatusOr<Heard> Hears(int socket, const base::Deadline& deadline) {
  for (;;) {
    pollfd ready{socket, POLLIN, 0};
    const int count = ::poll(&ready, 1, deadline.PollTimeout());
    if (count < 0 && errno != EINTR) return base::PosixError(errno, "monitor", "poll");
    if (count <= 0) {
      if (deadline.Passed()) return Heard::kNothing;
      continue;
    }
    const auto received = monitor::ReceiveAnswer(socket, MSG_DONTWAIT);
    if (absl::IsUnavailable(received.status())) continue;
    if (!received.ok()) return Heard::kEnd;
    if (const auto* refused = std::get_if<absl::Status>(&received->answer)) return *refused;
    if (std::holds_alternative<T>(received->answer)) return Heard::kIt;
  }
}

// A socket over which the monitor has said that it does what `wish` asks for; invalid: it does not.
absl::StatusOr<base::UniqueFd> Ask(const store::Container& container,
                                   const monitor::Request& wish) {
  for (int tries = 0; tries < kTries; ++tries) {
    auto socket = monitor::Connect(container.run());
    if (!socket.ok() || !monitor::Send(socket->get(), wish).ok()) break;
    STAVE_ASSIGN_OR_RETURN(const Heard heard,
                           Hears<monitor::Done>(socket->get(), base::Deadline::After(kAnswerHas)));
    if (heard == Heard::kIt) return *std::move(socket);
    // A monitor that restarts its container executes itself anew: who was there already is lost,
    // who comes then is heard.
    if (heard == Heard::kNothing) break;
  }
  return base::UniqueFd();
}

}  // namespace

absl::StatusOr<bool> StopByMonitor(const store::Container& container, int signal,
                                   absl::Duration grace, const std::function<void()>& begun) {
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd socket,
                         Ask(container, monitor::StopWish{grace, signal}));
  if (!socket.valid()) return false;
  begun();
  STAVE_ASSIGN_OR_RETURN(
      const Heard heard,
      Hears<monitor::Ended>(socket.get(), base::Deadline::After(grace + kEndHas)));
  return heard == Heard::kIt;
}

absl::StatusOr<bool> SignalByMonitor(const store::Container& container, int signal) {
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd socket, Ask(container, monitor::SignalWish{signal}));
  return socket.valid();
}

absl::StatusOr<bool> UpdateByMonitor(const store::Container& container,
                                     const std::string& restart) {
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd socket, Ask(container, monitor::UpdateWish{restart}));
  return socket.valid();
}

}  // namespace stave::runtime
