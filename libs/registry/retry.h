// SPDX-License-Identifier: Apache-2.0
//
// Which outcomes of a request are worth another try, and after how long.
//
//   429, 500, 502, 503, 504   yes, after Retry-After (seconds or a date; at most a minute), else
//                             after the back-off: doubled with each try, give or take a half
//   connection broken off     yes, after the back-off
//   stalled, timed out        once, after the back-off
//   nobody there              only if it was there before: once bytes have come
//   all else                  no: not found, denied, a wrong certificate, a broken protocol ..
//
// At most five tries, and none that would begin more than 90 s after the first. Source: RFC 9110
// section 10.2.3.

#ifndef STAVE_LIBS_REGISTRY_RETRY_H_
#define STAVE_LIBS_REGISTRY_RETRY_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/http/transfer.h"

namespace stave::registry {

struct RetryLimits {
  int tries = 5;
  absl::Duration back_off = absl::Milliseconds(500);  // before the second try, on average
  absl::Duration total = absl::Seconds(90);
  absl::Duration longest_wait = absl::Minutes(1);
};

// The tries of one request.
class Tries {
 public:
  // The first begins at `now`. `seed` is of the jitter, so that those who were turned away together
  // do not come back together.
  Tries(const RetryLimits& limits, absl::Time now, uint64_t seed);

  // After a try that ended at `now` with `outcome`: how long to wait for the next; nullopt: there
  // is none.
  std::optional<absl::Duration> Next(const absl::StatusOr<http::Response>& outcome, absl::Time now);

  // The try that just ended at `now` brought so much that it counts as a first one.
  void StartAnew(absl::Time now);

 private:
  absl::Duration BackOff();

  const RetryLimits limits_;
  absl::Time first_;
  uint64_t random_;
  int made_ = 0;
  int timeouts_ = 0;
  bool reached_ = false;
};

// What Retry-After says, from `now` on; nullopt if it says nothing that can be read.
std::optional<absl::Duration> RetryAfter(const http::Response& response, absl::Time now);

// A seed that differs from process to process and from call to call.
uint64_t RandomSeed();

}  // namespace stave::registry

#endif  // STAVE_LIBS_REGISTRY_RETRY_H_
