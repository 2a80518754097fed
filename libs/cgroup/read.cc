// SPDX-License-Identifier: Apache-2.0
//
// What a cgroup says of itself: usage, limits, and why it takes no process.
#include <fcntl.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/cgroup/cgroup.h"

namespace stave::cgroup {
namespace {

constexpr size_t kMaxFile = size_t{1} << 20;
constexpr int64_t kV1Unlimited = int64_t{1} << 62;  // what is above is the kernel's "no limit"

// The file `v1` or `v2` of `place`, whichever it is; "" if there is none.
std::string Read(const Cgroup::Place* place, absl::string_view v1, absl::string_view v2) {
  if (place == nullptr) return "";
  const absl::string_view file = place->hierarchy.version == Version::kV1 ? v1 : v2;
  if (file.empty()) return "";
  auto text = base::ReadFileAt(AT_FDCWD, absl::StrCat(place->directory, "/", file), kMaxFile);
  return text.ok() ? *std::move(text) : "";
}

// "100\n", "max\n", "9223372036854771712\n"; nullopt for what is no number.
std::optional<int64_t> ParseLimit(absl::string_view text) {
  int64_t limit = 0;
  if (absl::StartsWith(text, "max")) return -1;
  if (!absl::SimpleAtoi(text, &limit)) return std::nullopt;
  return limit >= kV1Unlimited ? -1 : limit;
}

}  // namespace

Usage Cgroup::ReadUsage() const {
  const auto read = [&](absl::string_view controller, absl::string_view v1, absl::string_view v2) {
    return Read(Find(controller), v1, v2);
  };
  // A file with one number is taken for a line of that key.
  const auto number = [&](absl::string_view controller, absl::string_view v1,
                          absl::string_view v2) {
    return FindCount(absl::StrCat("x ", read(controller, v1, v2)), "x");
  };
  Usage usage;
  usage.memory = number("memory", "memory.usage_in_bytes", "memory.current");
  usage.memory_peak = number("memory", "memory.max_usage_in_bytes", "memory.peak");
  usage.oom_kills = FindCount(read("memory", "memory.oom_control", "memory.events"), "oom_kill");
  usage.pids = number("pids", "pids.current", "pids.current");
  usage.pids_peak = number("pids", "pids.peak", "pids.peak");
  usage.pids_refused = FindCount(read("pids", "pids.events", "pids.events"), "max");
  usage.throttled = FindCount(read("cpu", "cpu.stat", "cpu.stat"), "nr_throttled");
  if (const auto user = number("cpuacct", "cpuacct.usage_user", "")) {
    usage.cpu_user = absl::Nanoseconds(*user);
  }
  if (const auto system = number("cpuacct", "cpuacct.usage_sys", "")) {
    usage.cpu_system = absl::Nanoseconds(*system);
  }
  // Every v2 directory counts time, with or without the controller.
  if (!usage.cpu_user.has_value()) {
    const std::string stat = read("cgroup", "", "cpu.stat");
    if (const auto user = FindCount(stat, "user_usec")) usage.cpu_user = absl::Microseconds(*user);
    if (const auto system = FindCount(stat, "system_usec")) {
      usage.cpu_system = absl::Microseconds(*system);
    }
  }
  const std::string io = read("io", "blkio.throttle.io_service_bytes_recursive", "io.stat");
  if (const Place* place = Find("io"); place != nullptr) {
    if (place->hierarchy.version == Version::kV1) {
      ParseIoServiceBytes(io, &usage);
    } else {
      ParseIoStat(io, &usage);
    }
  }
  return usage;
}

absl::Status Cgroup::ExplainEntry(absl::Status failed) const {
  const Place* unified = Find("cgroup");
  if (unified == nullptr) return failed;
  const std::string& here = unified->directory;
  const std::string above = here.substr(0, here.rfind('/'));
  const std::string type = Read(unified, "", "cgroup.type");
  if (absl::StartsWith(type, "domain invalid") || absl::StartsWith(type, "threaded")) {
    return base::WithHint(
        std::move(failed),
        absl::StrCat(above, " has threaded cgroups below it (cgroup.type), where ",
                     "whole processes cannot be"));
  }
  if (Read(unified, "", "cgroup.subtree_control").size() > 1) {
    return base::WithHint(std::move(failed),
                          absl::StrCat(here, " gives controllers to cgroups below it, and so may ",
                                       "not hold processes itself (cgroup v2)"));
  }
  Place each = *unified;
  while (each.directory.size() > each.hierarchy.mount_point.size()) {
    const int64_t most = ParseLimit(Read(&each, "", "pids.max")).value_or(-1);
    if (most >= 0 && ParseLimit(Read(&each, "", "pids.current")).value_or(0) >= most) {
      return base::WithHint(std::move(failed), absl::StrCat("the limit of ", most, " tasks in ",
                                                            each.directory, " is reached"));
    }
    each.directory.resize(each.directory.rfind('/'));
  }
  return failed;
}

CurrentLimits Cgroup::ReadLimits() const {
  CurrentLimits limits;
  const Place* memory = Find("memory");
  const auto set = [](const std::string& text, int64_t* limit) {
    if (const auto number = ParseLimit(text)) *limit = *number;
  };
  set(Read(memory, "memory.limit_in_bytes", "memory.max"), &limits.memory);
  set(Read(memory, "memory.usage_in_bytes", "memory.current"), &limits.memory_used);
  if (memory != nullptr) {
    limits.swap = ParseLimit(Read(memory, "memory.memsw.limit_in_bytes", "memory.swap.max"));
  }
  const Place* cpu = Find("cpu");
  set(Read(cpu, "cpu.cfs_quota_us", ""), &limits.cpu_quota);
  set(Read(cpu, "cpu.cfs_period_us", ""), &limits.cpu_period);
  set(Read(cpu, "cpu.cfs_burst_us", "cpu.max.burst"), &limits.cpu_burst);
  set(Read(cpu, "cpu.rt_runtime_us", ""), &limits.realtime_runtime);
  set(Read(cpu, "cpu.rt_period_us", ""), &limits.realtime_period);
  const std::string both = Read(cpu, "", "cpu.max");
  const std::vector<std::string> words = absl::StrSplit(both, ' ');
  if (words.size() == 2) {
    set(words[0], &limits.cpu_quota);
    set(words[1], &limits.cpu_period);
  }
  if (std::string list = Read(Find("devices"), "devices.list", ""); !list.empty()) {
    limits.devices = std::move(list);
  }
  return limits;
}

}  // namespace stave::cgroup
