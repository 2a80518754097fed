// SPDX-License-Identifier: Apache-2.0
//
// ps-lister --events: the lines of RUN/events.json (libs/store/events.h), as they are.

#ifndef STAVE_TOOLS_PS_LISTER_EVENTS_H_
#define STAVE_TOOLS_PS_LISTER_EVENTS_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/store/store.h"

namespace stave::tools {

// Absent: from now on; until the reader goes.
struct Period {
  std::optional<absl::Time> since;
  std::optional<absl::Time> until;
};

// Prints those of the period to stdout, each at once, and returns when it is over. Lines that are
// no events are passed over. Errors: those of EventReader; Unavailable [E_PIPE] when nobody reads.
absl::Status PrintEvents(const store::Store& store, const Period& period);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_PS_LISTER_EVENTS_H_
