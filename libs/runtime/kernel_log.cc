// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/kernel_log.h"

#include <sys/klog.h>
#include <time.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "libs/base/error.h"

namespace stave::runtime {
namespace {

constexpr int kReadAll = 3;  // SYSLOG_ACTION_READ_ALL
constexpr size_t kMaxText = size_t{256} << 10;
constexpr size_t kMaxLine = 512;
constexpr size_t kMaxLines = 3;
constexpr double kSlack = 2;  // seconds between two clocks
constexpr int kTries = 10;
constexpr absl::Duration kWait = absl::Milliseconds(5);

// Takes "<6>[   12.5] " off; false for what has no such beginning, or is older than `since`.
bool TakeHead(double since, absl::string_view* line) {
  const size_t open = line->find('['), close = line->find("] ");
  double time = 0;
  if (open == line->npos || close == line->npos || close < open || open > 8) return false;
  const absl::string_view text =
      absl::StripAsciiWhitespace(line->substr(open + 1, close - open - 1));
  if (!absl::SimpleAtod(text, &time) || time + kSlack < since) return false;
  line->remove_prefix(close + 2);
  return true;
}

bool IsAbout(absl::string_view line, const KernelSubject& subject) {
  if (absl::StartsWith(line, "oom-kill:")) {
    const size_t at = line.find(",task_memcg=");
    return at != line.npos && !subject.id.empty() &&
           absl::StrContains(line.substr(at, line.find(",task=") - at), subject.id);
  }
  if (subject.pid <= 0) return false;
  if (absl::StartsWith(line, "audit: type=1326 ")) {
    return absl::StrContains(line, absl::StrCat(" pid=", subject.pid, " "));
  }
  const bool fault = absl::StrContains(line, "segfault at ") || absl::StrContains(line, " trap ") ||
                     absl::StrContains(line, "general protection");
  return fault && absl::StrContains(line.substr(0, 64), absl::StrCat("[", subject.pid, "]"));
}

double ClockOfTheLog() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::ToDoubleSeconds(absl::DurationFromTimespec(now));
}

}  // namespace

std::vector<std::string> FindKernelLines(absl::string_view text, const KernelSubject& subject,
                                         double since) {
  std::vector<std::string> lines;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    if (!TakeHead(since, &line) || !IsAbout(line, subject)) continue;
    if (lines.size() == kMaxLines) lines.erase(lines.begin());
    lines.push_back(base::Printable(line, kMaxLine));
  }
  return lines;
}

std::vector<std::string> KernelLinesOn(const KernelSubject& subject) {
  const double since = ClockOfTheLog() - absl::ToDoubleSeconds(absl::Now() - subject.since);
  std::string text(kMaxText, '\0');
  for (int i = 0;; ++i) {
    const int size = ::klogctl(kReadAll, text.data(), static_cast<int>(text.size()));
    if (size <= 0) return {};
    auto lines = FindKernelLines(absl::string_view(text).substr(0, static_cast<size_t>(size)),
                                 subject, since);
    if (!lines.empty() || !subject.audit || i == kTries) return lines;
    absl::SleepFor(kWait);
  }
}

}  // namespace stave::runtime
