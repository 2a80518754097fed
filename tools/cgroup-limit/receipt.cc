// SPDX-License-Identifier: Apache-2.0
#include "tools/cgroup-limit/receipt.h"

#include <cstdint>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/base/number.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"

namespace stave::cgroup_limit {
namespace {

std::string Line(absl::string_view name, absl::string_view text) {
  constexpr size_t kColumn = 14;
  return absl::StrCat(name, std::string(kColumn - name.size(), ' '), text, "\n");
}

std::string SizeLine(absl::string_view name, const std::optional<int64_t>& size) {
  return size.has_value() ? Line(name, base::FormatSizeBinary(*size)) : "";
}

std::string CountLine(absl::string_view name, const std::optional<int64_t>& count) {
  return count.has_value() ? Line(name, absl::StrCat(*count)) : "";
}

std::string Seconds(absl::Duration time) {
  const int64_t milliseconds = absl::ToInt64Milliseconds(time);
  return absl::StrCat(milliseconds / 1000, ".", absl::Dec(milliseconds % 1000, absl::kZeroPad3),
                      " s");
}

}  // namespace

std::string ReceiptTable(const Outcome& outcome) {
  const cgroup::Usage& usage = outcome.usage;
  std::string text = Line("wall time", Seconds(outcome.wall));
  if (usage.cpu_user.has_value() && usage.cpu_system.has_value()) {
    text += Line("cpu time", absl::StrCat(Seconds(*usage.cpu_user), " user, ",
                                          Seconds(*usage.cpu_system), " system"));
  }
  text += CountLine("cpu throttled", usage.throttled);
  text += SizeLine("memory peak", usage.memory_peak);
  text += CountLine("oom kills", usage.oom_kills);
  text += CountLine("pids peak", usage.pids_peak);
  text += CountLine("forks refused", usage.pids_refused);
  text += SizeLine("read", usage.read_bytes);
  text += SizeLine("written", usage.written_bytes);
  return text;
}

std::string ReceiptJson(const Outcome& outcome) {
  const cgroup::Usage& usage = outcome.usage;
  json::Value receipt = json::Value::Object();
  const auto set = [&](const char* key, const std::optional<int64_t>& number) {
    if (number.has_value()) receipt.Set(key, json::Value::Number(*number));
  };
  const auto set_time = [&](const char* key, const std::optional<absl::Duration>& time) {
    if (time.has_value()) set(key, absl::ToInt64Microseconds(*time));
  };
  set("exitCode", outcome.code);
  set_time("wallMicroseconds", outcome.wall);
  set_time("cpuUserMicroseconds", usage.cpu_user);
  set_time("cpuSystemMicroseconds", usage.cpu_system);
  set("throttledPeriods", usage.throttled);
  set("memoryPeak", usage.memory_peak);
  set("oomKills", usage.oom_kills);
  set("pidsPeak", usage.pids_peak);
  set("pidsRefused", usage.pids_refused);
  set("readBytes", usage.read_bytes);
  set("writtenBytes", usage.written_bytes);
  return json::Print(receipt) + "\n";
}

}  // namespace stave::cgroup_limit
