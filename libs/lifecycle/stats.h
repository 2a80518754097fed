// SPDX-License-Identifier: Apache-2.0
//
// events: what a container uses, and when its memory has run out, as JSON like runc's.
//
//   {"type":"stats","id":"c1","data":{"cpu":{..},"memory":{..},"pids":{..},..}}
//   {"type":"oom","id":"c1"}

#ifndef STAVE_LIBS_LIFECYCLE_STATS_H_
#define STAVE_LIBS_LIFECYCLE_STATS_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/json/value.h"
#include "libs/lifecycle/root.h"

namespace stave::lifecycle {

// One event "stats". Errors: NotFound (Container::Open); FailedPrecondition [E_NOT_RUNNING]
// `container with id ID is not running`.
absl::StatusOr<json::Value> StatsEvent(const Root& root, absl::string_view id);

// Gives an event "stats" at once and after every `interval`, and an event "oom" whenever the kernel
// has killed for memory, until the container's first process has ended (then OK) or `emit` fails
// (then its error). Errors: as StatsEvent.
absl::Status WatchEvents(const Root& root, absl::string_view id, absl::Duration interval,
                         const std::function<absl::Status(const json::Value& event)>& emit);

}  // namespace stave::lifecycle

#endif  // STAVE_LIBS_LIFECYCLE_STATS_H_
