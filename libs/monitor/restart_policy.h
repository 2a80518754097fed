// SPDX-License-Identifier: Apache-2.0
//
// Whether and when a container that has ended is started again. Pure. Docker's rules: 100 ms before
// the first restart, twice as long before each further one, a minute at most; from the start anew
// after it has run for ten seconds.

#ifndef STAVE_LIBS_MONITOR_RESTART_POLICY_H_
#define STAVE_LIBS_MONITOR_RESTART_POLICY_H_

#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "libs/oci/life_member.h"

namespace stave::monitor {

// What has been so far; kept across restarts.
struct RestartHistory {
  int64_t restarts = 0;   // in all: what is shown
  int64_t failures = 0;   // ends with a code but 0, one after the other: what on-failure:N counts
  absl::Duration waited;  // before the start that has now ended
};

struct RunThatEnded {
  int code = 0;
  absl::Duration ran;
  bool stopped = false;  // somebody wanted that
};

// How long to wait before the next start; nullopt: there is none. `history` becomes that of the
// next run.
std::optional<absl::Duration> NextStart(const oci::Restart& policy, const RunThatEnded& run,
                                        RestartHistory* history);

// Whether a container is started with the machine: `stopped` as above, of the last run.
bool StartsWithMachine(const oci::Restart& policy, std::optional<int> code, bool stopped);

}  // namespace stave::monitor

#endif  // STAVE_LIBS_MONITOR_RESTART_POLICY_H_
