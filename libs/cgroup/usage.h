// SPDX-License-Identifier: Apache-2.0
//
// What the processes of a cgroup have used, those that have ended included.
//
//   memory.peak · memory.max_usage_in_bytes          "1048576"
//   cpu.stat "usage_usec 5" · cpuacct.usage_user     "5000"
//   memory.events "oom_kill 1" · memory.oom_control  "oom_kill 1"
//   io.stat "8:0 rbytes=4096 wbytes=0 .." · blkio.throttle.io_service_bytes "8:0 Read 4096"

#ifndef STAVE_LIBS_CGROUP_USAGE_H_
#define STAVE_LIBS_CGROUP_USAGE_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace stave::cgroup {

// Members are absent where the kernel or the hierarchies do not tell (memory.peak came with 5.19,
// pids.peak with 6.11).
struct Usage {
  std::optional<int64_t> memory;       // bytes, now
  std::optional<int64_t> memory_peak;  // bytes
  std::optional<absl::Duration> cpu_user;
  std::optional<absl::Duration> cpu_system;
  std::optional<int64_t> throttled;  // periods in which the cpu quota was used up
  std::optional<int64_t> pids;       // tasks, now
  std::optional<int64_t> pids_peak;
  std::optional<int64_t> pids_refused;  // forks that failed at the limit
  std::optional<int64_t> oom_kills;
  std::optional<int64_t> read_bytes;
  std::optional<int64_t> written_bytes;
};

// The number after `key` in lines "key number"; nullopt if there is none.
std::optional<int64_t> FindCount(absl::string_view text, absl::string_view key);

// The sums over all devices of "rbytes=" and "wbytes=" in io.stat.
void ParseIoStat(absl::string_view text, Usage* usage);

// The sums over all devices of "Read" and "Write" in blkio.throttle.io_service_bytes.
void ParseIoServiceBytes(absl::string_view text, Usage* usage);

}  // namespace stave::cgroup

#endif  // STAVE_LIBS_CGROUP_USAGE_H_
