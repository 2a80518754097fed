// SPDX-License-Identifier: Apache-2.0
//
// Asking a container's monitor to end it, since only that keeps the restart policy from starting it
// again, or for another policy. A monitor that is dead, or is stopped and does not answer, is done
// without.

#ifndef STAVE_LIBS_RUNTIME_BY_MONITOR_H_
#define STAVE_LIBS_RUNTIME_BY_MONITOR_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/store/container.h"
#include "libs/store/containers.h"

namespace stave::runtime {

// Has it sent `signal`, and SIGKILL after `grace` (InfiniteDuration(): never), and waits until the
// monitor says that the end has been written down. `begun` is called when the monitor has begun:
// what is paused can be thawed then. False: there is no monitor, or none that answers
// within a second, or it has not done it in time or has died over it. Errors: what it refused.
absl::StatusOr<bool> StopByMonitor(const store::Container& container, int signal,
                                   absl::Duration grace, const std::function<void()>& begun);

// Has it sent `signal`, and does not wait for what comes of it. False and errors: as above.
absl::StatusOr<bool> SignalByMonitor(const store::Container& container, int signal);

// Has it follow the restart policy `restart`, as of oci::ParseRestart, from now on. False and
// errors: as above.
absl::StatusOr<bool> UpdateByMonitor(const store::Container& container, const std::string& restart);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_BY_MONITOR_H_
