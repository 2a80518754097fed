// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/rate_limit.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/number.h"

namespace stave::registry {
namespace {

constexpr uint64_t kMost = 1'000'000'000;

// "100;w=21600": the number and the window in seconds, 0 without one.
std::optional<std::pair<uint64_t, uint64_t>> ParseCount(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> sides =
      absl::StrSplit(text, absl::MaxSplits(';', 1));
  const auto count = base::ParseUint(absl::StripAsciiWhitespace(sides.first), 0, kMost);
  if (!count.ok()) return std::nullopt;
  absl::string_view window = absl::StripAsciiWhitespace(sides.second);
  if (!absl::ConsumePrefix(&window, "w=")) return std::make_pair(*count, uint64_t{0});
  const auto seconds = base::ParseUint(window, 0, kMost);
  return std::make_pair(*count, seconds.ok() ? *seconds : 0);
}

}  // namespace

std::string RateLimit::ToString() const {
  std::string text = absl::StrCat(remaining, " of ", limit, " pulls");
  if (window > absl::ZeroDuration()) absl::StrAppend(&text, " in ", absl::FormatDuration(window));
  absl::StrAppend(&text, remaining == 1 ? " is left" : " are left");
  if (!source.empty()) absl::StrAppend(&text, ", counted for ", source);
  return text;
}

std::optional<RateLimit> ParseRateLimit(const http::Response& response) {
  const auto limit = ParseCount(response.Header("ratelimit-limit"));
  const auto remaining = ParseCount(response.Header("ratelimit-remaining"));
  if (!limit.has_value() || !remaining.has_value() || limit->first == 0) return std::nullopt;
  RateLimit told;
  told.limit = limit->first;
  told.remaining = remaining->first;
  told.window = absl::Seconds(limit->second != 0 ? limit->second : remaining->second);
  told.source = base::Printable(response.Header("docker-ratelimit-source"), 64);
  return told;
}

}  // namespace stave::registry
