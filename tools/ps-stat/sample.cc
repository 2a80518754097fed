// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-stat/sample.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/base/posix.h"
#include "libs/base/process.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/cgroup.h"
#include "libs/cgroup/statistics.h"
#include "libs/cgroup/usage.h"
#include "libs/runtime/container_group.h"

namespace stave::tools {
namespace {

constexpr size_t kMaxFile = size_t{1} << 20;

absl::Duration Monotonic() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::DurationFromTimespec(now);
}

int64_t Clamp(uint64_t number) {
  constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  return static_cast<int64_t>(std::min(number, kMost));
}

// Of a file that is not there all members are 0.
int64_t InactiveFile(const cgroup::Statistics& statistics) {
  for (const char* key : {"total_inactive_file", "inactive_file"}) {  // v1, with those below; v2
    const auto found = statistics.memory.raw.find(key);
    if (found != statistics.memory.raw.end()) return Clamp(found->second);
  }
  return 0;
}

bool SharesNetworkWithUs(pid_t pid) {
  struct stat theirs, ours;
  return ::stat(absl::StrCat("/proc/", pid, "/ns/net").c_str(), &theirs) == 0 &&
         ::stat("/proc/self/ns/net", &ours) == 0 && theirs.st_ino == ours.st_ino;
}

// Of the first process, which is held so that its number is not another's meanwhile.
void ReadNetwork(const store::ContainerView& container, Sample* sample) {
  if (!container.state.has_value() || !container.state->init.has_value()) return;
  const auto init = base::OpenProcess(*container.state->init);
  if (!init.ok() || !init->has_value()) return;
  const pid_t pid = container.state->init->pid;
  if (SharesNetworkWithUs(pid)) return;
  const auto text = base::ReadFileAt(AT_FDCWD, absl::StrCat("/proc/", pid, "/net/dev"), kMaxFile);
  if (!text.ok()) return;
  const NetworkBytes bytes = ParseNetDev(*text);
  sample->received = bytes.received;
  sample->sent = bytes.sent;
}

}  // namespace

NetworkBytes ParseNetDev(absl::string_view text) {
  NetworkBytes bytes;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const size_t colon = line.find(':');
    if (colon == line.npos) continue;
    if (absl::StripAsciiWhitespace(line.substr(0, colon)) == "lo") continue;
    const std::vector<absl::string_view> fields =
        absl::StrSplit(line.substr(colon + 1), ' ', absl::SkipEmpty());
    int64_t received = 0, sent = 0;
    if (fields.size() < 16 || !absl::SimpleAtoi(fields[0], &received) ||
        !absl::SimpleAtoi(fields[8], &sent)) {
      continue;
    }
    bytes.received += received;
    bytes.sent += sent;
  }
  return bytes;
}

int64_t ParseMemTotal(absl::string_view text) {
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::ConsumePrefix(&line, "MemTotal:")) continue;
    absl::ConsumeSuffix(&line, "kB");
    int64_t kib = 0;
    return absl::SimpleAtoi(line, &kib) && kib < (int64_t{1} << 52) ? kib * 1024 : 0;
  }
  return 0;
}

int64_t MachineMemory() {
  const auto text = base::ReadFileAt(AT_FDCWD, "/proc/meminfo", kMaxFile);
  return text.ok() ? ParseMemTotal(*text) : 0;
}

absl::StatusOr<Sample> TakeSample(const store::ContainerView& container, int64_t machine_memory) {
  STAVE_ASSIGN_OR_RETURN(const cgroup::Cgroup group, runtime::OpenCgroupOf(container));
  Sample sample;
  sample.at = Monotonic();
  const cgroup::Statistics statistics = cgroup::ReadStatistics(group);
  const cgroup::Usage usage = group.ReadUsage();
  sample.cpu = absl::Nanoseconds(Clamp(statistics.cpu.total));
  const int64_t used = Clamp(statistics.memory.usage.usage);
  sample.memory = std::max<int64_t>(used - std::min(InactiveFile(statistics), used), 0);
  const int64_t limit = Clamp(statistics.memory.usage.limit);
  if (limit > 0 && (machine_memory == 0 || limit < machine_memory)) sample.memory_limit = limit;
  sample.read = usage.read_bytes.value_or(0);
  sample.written = usage.written_bytes.value_or(0);
  sample.pids = usage.pids.value_or(Clamp(statistics.pids));
  const int64_t tasks = Clamp(statistics.pids_limit);
  if (tasks > 0 && tasks < (int64_t{1} << 53)) sample.pids_limit = tasks;
  ReadNetwork(container, &sample);
  return sample;
}

}  // namespace stave::tools
