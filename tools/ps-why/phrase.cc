// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-why/phrase.h"

#include <string.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/cli/human_time.h"

namespace stave::tools {

std::string SignalText(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? absl::StrCat("SIG", name) : absl::StrCat("signal ", signal);
}

std::string BytesText(int64_t bytes) {
  constexpr std::pair<int, const char*> kUnits[] = {{30, "GiB"}, {20, "MiB"}, {10, "KiB"}};
  for (const auto& [shift, unit] : kUnits) {
    const int64_t size = int64_t{1} << shift;
    if (bytes >= size && bytes % size == 0) return absl::StrCat(bytes / size, unit);
  }
  return absl::StrCat(bytes, " bytes");
}

std::string SpanText(absl::Duration span) {
  const absl::Duration unit = span < absl::Seconds(1) ? absl::Milliseconds(1) : absl::Seconds(1);
  const absl::Duration rounded = absl::Trunc(std::max(span, absl::ZeroDuration()), unit);
  return rounded == absl::ZeroDuration() ? "0s" : absl::FormatDuration(rounded);
}

std::string AgeText(absl::Duration age) { return absl::AsciiStrToLower(cli::HumanDuration(age)); }

std::string AgoText(const std::optional<absl::Time>& time, absl::Time now) {
  return time ? absl::StrCat(", ", AgeText(now - *time), " ago") : "";
}

std::string AskerText(const store::SentSignal& sent) {
  if (sent.pid == 0) return "from the terminal";
  if (!sent.pid && !sent.uid && sent.name.empty()) return "";
  const std::string name = sent.name.empty() ? absl::StrCat("process ", sent.pid.value_or(0))
                                             : base::Printable(sent.name, 64);
  return sent.uid ? absl::StrCat("by ", name, " of uid ", *sent.uid) : absl::StrCat("by ", name);
}

}  // namespace stave::tools
