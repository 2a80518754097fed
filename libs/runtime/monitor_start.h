// SPDX-License-Identifier: Apache-2.0
//
// Handing a container to a stave-monitor, which starts it and watches it from then on.
//
// The monitor is a process of its own session, in the cgroup /stave/monitors, beside those of the
// containers and outside the caller's. It gets the entry with its lock.

#ifndef STAVE_LIBS_RUNTIME_MONITOR_START_H_
#define STAVE_LIBS_RUNTIME_MONITOR_START_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"
#include "libs/monitor/channel.h"
#include "libs/store/pending.h"
#include "libs/store/store.h"

namespace stave::runtime {

// Begins it; the result is the connection on which the monitor answers (channel.h): with `attach`
// as to an AttachWish, before the payload's first byte is read; without it Done once the payload's
// file has been executed. A Status, with an exit code, instead: nothing is left, but what existed
// before. `entry` is in pending/, and the monitor's from here on, also after a failure.
// Errors: NotFound [E_HELPER] without the program; ResourceExhausted [E_NO_FILES] where there are
// too few descriptors; those of clone3(2).
absl::StatusOr<base::UniqueFd> StartMonitor(const store::Store& store, store::Pending entry,
                                            const std::optional<monitor::AttachWish>& attach);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_MONITOR_START_H_
