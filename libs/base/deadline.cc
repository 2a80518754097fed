// SPDX-License-Identifier: Apache-2.0
#include "libs/base/deadline.h"

#include <algorithm>
#include <cstdint>

namespace stave::base {
namespace {

using std::chrono::steady_clock;

constexpr absl::Duration kNever = absl::Hours(24 * 365 * 10);
constexpr int64_t kMostMilliseconds = 3600 * 1000;

}  // namespace

Deadline Deadline::After(absl::Duration duration) {
  Deadline deadline;
  if (duration >= kNever) return deadline;
  duration = std::max(duration, absl::ZeroDuration());
  deadline.at_ = steady_clock::now() + absl::ToChronoNanoseconds(duration);
  return deadline;
}

bool Deadline::Passed() const { return at_.has_value() && steady_clock::now() >= *at_; }

absl::Duration Deadline::Left() const {
  if (!at_.has_value()) return absl::InfiniteDuration();
  return std::max(absl::FromChrono(*at_ - steady_clock::now()), absl::ZeroDuration());
}

int Deadline::PollTimeout() const {
  if (!at_.has_value()) return -1;
  const int64_t left = absl::ToInt64Milliseconds(absl::Ceil(Left(), absl::Milliseconds(1)));
  return static_cast<int>(std::min(left, kMostMilliseconds));
}

}  // namespace stave::base
