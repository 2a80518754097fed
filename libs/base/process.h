// SPDX-License-Identifier: Apache-2.0
//
// Which process: (boot id, pid, start time, inode), never a bare pid; and signals through a pidfd.
//
//   {"boot":"1c7f..","pid":4711,"start":123456,"inode":7890}
//
// The start time alone does not tell two apart that had one number within a tick of 10 ms. From
// Linux 6.9 on the inode of a pidfd does: no two processes of a boot have the same. Before, all
// have the same one, which tells nothing and harms nothing.
//
// Sources: proc(5) /proc/PID/stat field 22 "starttime" (clock ticks since boot); pidfd_open(2).

#ifndef STAVE_LIBS_BASE_PROCESS_H_
#define STAVE_LIBS_BASE_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"

namespace stave::base {

struct ProcessIdentity {
  std::string boot_id;
  pid_t pid = 0;
  uint64_t start_time = 0;                       // clock ticks since boot
  std::optional<uint64_t> inode = std::nullopt;  // of its pidfds; absent: it is not compared
};

// The kernel's random id of this boot, without newline.
absl::StatusOr<std::string> BootId();

// The identity of the live process `pid`. Errors: NotFound if there is none (or only a zombie).
absl::StatusOr<ProcessIdentity> IdentifyProcess(pid_t pid);
// The same for who has the boot id already.
absl::StatusOr<ProcessIdentity> IdentifyProcess(pid_t pid, const std::string& boot_id);

// A pidfd of exactly that process; nullopt if it is gone (another boot, pid free or used again, a
// zombie). Start time and inode are compared after the pidfd is open, so the answer cannot be a
// stranger.
absl::StatusOr<std::optional<UniqueFd>> OpenProcess(const ProcessIdentity& identity);
// The same for who has the boot id already.
absl::StatusOr<std::optional<UniqueFd>> OpenProcess(const ProcessIdentity& identity,
                                                    const std::string& boot_id);

// pidfd_send_signal(2). NotFound if the process is gone.
absl::Status SignalProcess(int pidfd, int signal);

// Signal number of "TERM", "SIGTERM", "15", any case; 1..64, RTMIN+n as in kill(1).
// Errors: InvalidArgument.
absl::StatusOr<int> ParseSignal(const std::string& text);

}  // namespace stave::base

#endif  // STAVE_LIBS_BASE_PROCESS_H_
