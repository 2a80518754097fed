// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-lister/events.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/store/event_reader.h"
#include "libs/store/events.h"

namespace stave::tools {
namespace {

constexpr absl::Duration kLongest = absl::Minutes(1);  // the clock may be set meanwhile

// Milliseconds for poll(2); -1: for ever.
int Timeout(const std::optional<absl::Time>& until) {
  if (!until.has_value()) return -1;
  const absl::Duration left = std::clamp(*until - absl::Now(), absl::ZeroDuration(), kLongest);
  return static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1))));
}

bool IsOver(const std::optional<absl::Time>& until) {
  return until.has_value() && absl::Now() >= *until;
}

// Whether the reader of stdout has gone, where nothing is written that would tell.
absl::Status Wait(int events, const std::optional<absl::Time>& until) {
  pollfd ready[2] = {{events, POLLIN, 0}, {STDOUT_FILENO, 0, 0}};
  if (::poll(ready, 2, Timeout(until)) < 0 && errno != EINTR) {
    return base::PosixError(errno, "events", "poll");
  }
  if ((ready[1].revents & (POLLERR | POLLHUP)) != 0)
    return base::PosixError(EPIPE, "stdout", "write");
  return absl::OkStatus();
}

}  // namespace

absl::Status PrintEvents(const store::Store& store, const Period& period) {
  using From = store::EventReader::From;
  // What is over when it begins is only what has been written already.
  const bool past = IsOver(period.until);
  const bool all = period.since.has_value() || past;
  STAVE_ASSIGN_OR_RETURN(store::EventReader reader,
                         store::EventReader::Open(store, all ? From::kOldest : From::kNow));
  for (;;) {
    while (const std::optional<std::string> line = reader.Next()) {
      const auto event = store::ParseEvent(*line);
      if (!event.ok() || (period.since && event->time < *period.since)) continue;
      if (period.until && event->time >= *period.until) continue;
      STAVE_RETURN_IF_ERROR(base::WriteAll(STDOUT_FILENO, *line + "\n", "stdout"));
    }
    if (IsOver(period.until)) return absl::OkStatus();
    STAVE_RETURN_IF_ERROR(Wait(reader.fd(), period.until));
  }
}

}  // namespace stave::tools
