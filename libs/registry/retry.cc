// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/retry.h"

#include <sys/random.h>

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "libs/base/error.h"
#include "libs/base/number.h"

namespace stave::registry {
namespace {

// The shortest wait, whatever a Retry-After of the past says.
constexpr absl::Duration kShortest = absl::Milliseconds(100);

// The next of a sequence of numbers, in [0, 1): splitmix64.
double NextRandom(uint64_t* state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return static_cast<double>((z ^ (z >> 31)) >> 11) / static_cast<double>(uint64_t{1} << 53);
}

bool IsBusy(int status) {
  return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

}  // namespace

std::optional<absl::Duration> RetryAfter(const http::Response& response, absl::Time now) {
  const std::string text = response.Header("retry-after");
  if (text.empty()) return std::nullopt;
  if (std::all_of(text.begin(), text.end(), absl::ascii_isdigit)) {
    const auto seconds = base::ParseUint(text, 0, 1'000'000'000);
    return absl::Seconds(seconds.ok() ? *seconds : 1'000'000'000);
  }
  absl::Time when;
  std::string error;
  if (!absl::ParseTime("%a, %d %b %E4Y %H:%M:%S GMT", text, &when, &error)) return std::nullopt;
  return std::max(absl::ZeroDuration(), when - now);
}

uint64_t RandomSeed() {
  uint64_t seed = 0;
  if (::getrandom(&seed, sizeof seed, 0) != sizeof seed) return 1;
  return seed;
}

Tries::Tries(const RetryLimits& limits, absl::Time now, uint64_t seed)
    : limits_(limits), first_(now), random_(seed) {}

void Tries::StartAnew(absl::Time now) {
  first_ = now;
  made_ = 0;
  timeouts_ = 0;
  reached_ = true;
}

absl::Duration Tries::BackOff() {
  const absl::Duration doubled = limits_.back_off * (1 << std::min(made_ - 1, 10));
  return std::min(doubled * (0.5 + NextRandom(&random_)), limits_.longest_wait);
}

std::optional<absl::Duration> Tries::Next(const absl::StatusOr<http::Response>& outcome,
                                          absl::Time now) {
  ++made_;
  if (made_ >= limits_.tries) return std::nullopt;
  absl::Duration wait;
  if (outcome.ok()) {
    if (!IsBusy(outcome->status)) return std::nullopt;
    const auto asked = RetryAfter(*outcome, now);
    if (asked.has_value() && *asked > limits_.longest_wait) return std::nullopt;
    wait = asked.has_value() ? std::max(*asked, kShortest) : BackOff();
  } else {
    const std::string word = base::ErrorWord(outcome.status());
    const bool again = (word == "E_REMOTE" && absl::IsUnavailable(outcome.status())) ||
                       (word == "E_TIMEOUT" && ++timeouts_ == 1) ||
                       (word == "E_CONNECT" && reached_);
    if (!again) return std::nullopt;
    wait = BackOff();
  }
  if (now + wait - first_ > limits_.total) return std::nullopt;
  return wait;
}

}  // namespace stave::registry
