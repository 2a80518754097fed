// SPDX-License-Identifier: Apache-2.0
//
// What a running container uses, at one moment.

#ifndef STAVE_TOOLS_PS_STAT_SAMPLE_H_
#define STAVE_TOOLS_PS_STAT_SAMPLE_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/store/containers.h"

namespace stave::tools {

struct Sample {
  absl::Duration at;   // on the monotonic clock
  absl::Duration cpu;  // used since it was started, on all CPUs
  int64_t memory = 0;  // bytes, without what the kernel would drop first (inactive files)
  std::optional<int64_t> memory_limit;  // absent: none below the machine's memory
  // Bytes; absent where the container has the host's network.
  std::optional<int64_t> received;
  std::optional<int64_t> sent;
  int64_t read = 0;  // from block devices, bytes
  int64_t written = 0;
  int64_t pids = 0;  // tasks
  std::optional<int64_t> pids_limit;
};

// Bytes over all interfaces but the loopback, of the text of /proc/PID/net/dev.
struct NetworkBytes {
  int64_t received = 0;
  int64_t sent = 0;
};
NetworkBytes ParseNetDev(absl::string_view text);

// The machine's memory in bytes, of the text of /proc/meminfo; 0 if it does not say.
int64_t ParseMemTotal(absl::string_view text);
int64_t MachineMemory();

// Errors: NotFound if it has no cgroup (any more).
absl::StatusOr<Sample> TakeSample(const store::ContainerView& container, int64_t machine_memory);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_PS_STAT_SAMPLE_H_
