// SPDX-License-Identifier: Apache-2.0
//
// A moment on the monotonic clock, for waiting: a jump of the time of day changes nothing.
//
//   const auto deadline = base::Deadline::After(absl::Seconds(10));
//   while (!done && !deadline.Passed()) ::poll(fds, 1, deadline.PollTimeout());

#ifndef STAVE_LIBS_BASE_DEADLINE_H_
#define STAVE_LIBS_BASE_DEADLINE_H_

#include <chrono>
#include <optional>

#include "absl/time/time.h"

namespace stave::base {

class Deadline {
 public:
  // InfiniteDuration() and what is beyond some years: never. Negative ones have passed.
  static Deadline After(absl::Duration duration);
  static Deadline Never() { return Deadline(); }

  bool Passed() const;
  // What is left, at least 0; InfiniteDuration() for never.
  absl::Duration Left() const;
  // For poll(2): milliseconds, rounded up, at most an hour (who polls looks again then); -1: never.
  int PollTimeout() const;

 private:
  std::optional<std::chrono::steady_clock::time_point> at_;  // absent: never
};

}  // namespace stave::base

#endif  // STAVE_LIBS_BASE_DEADLINE_H_
