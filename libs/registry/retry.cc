// SPDX-License-Identifier: Apache-2.0
#include "libs/image/retry.h"

#include <algorithm>
#include <string>

#include "libs/base/error.h"
#include "libs/base/number.h"

namespace stave::image {
namespace {

constexpr absl::Duration kLongestWait = absl::Minutes(1);

std::optional<absl::Duration> RetryAfter(const http::Response& response, absl::Time now) {
  const std::string text = response.Header("retry-after");
  if (text.empty()) return std::nullopt;
  if (const auto seconds = base::ParseUint(text, 0, 1'000'000'000); seconds.ok()) {
    return absl::Seconds(*seconds);
  }
  absl::Time when;
  std::string error;
  if (!absl::ParseTime("%a, %d %b %E4Y %H:%M:%S GMT", text, &when, &error)) return std::nullopt;
  return std::max(absl::ZeroDuration(), when - now);
}

}  // namespace

std::optional<absl::Duration> NextTry(int tries, absl::Duration back_off,
                                      const absl::StatusOr<http::Response>& outcome,
                                      absl::Time now) {
  const absl::Duration longer = std::min(back_off * (1 << std::min(tries - 1, 10)), kLongestWait);
  if (tries >= kMaxTries) return std::nullopt;
  if (!outcome.ok()) {
    const std::string word = base::ErrorWord(outcome.status());
    if (word == "E_TIMEOUT" && tries == 1) return longer;
    if (word == "E_REMOTE") return longer;
    return std::nullopt;
  }
  switch (outcome->status) {
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
      break;
    default:
      return std::nullopt;
  }
  const std::optional<absl::Duration> asked = RetryAfter(*outcome, now);
  if (!asked.has_value()) return longer;
  if (*asked > kLongestWait) return std::nullopt;
  return std::max(*asked, std::min(back_off, absl::Milliseconds(100)));
}

}  // namespace stave::image
