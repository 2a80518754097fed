// SPDX-License-Identifier: Apache-2.0
//
// ps-lister --events: the lines of RUN/events.json (libs/store/events.h), as they are or as
// `docker events` tells them.

#ifndef STAVE_TOOLS_PS_LISTER_EVENTS_H_
#define STAVE_TOOLS_PS_LISTER_EVENTS_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/store/store.h"
#include "tools/ps-lister/event_text.h"

namespace stave::tools {

struct EventWishes {
  // Absent: from now on; until the reader goes.
  std::optional<absl::Time> since;
  std::optional<absl::Time> until;
  EventFilter filter;
  bool lines = false;                 // Docker's lines
  std::optional<std::string> format;  // "json", or a template over Docker's events
};

// Whether a template knows Docker's events. Errors: InvalidArgument or NotFound [E_TEMPLATE].
absl::Status CheckEventFormat(const std::string& format);

// Prints those of the period to stdout, each at once, and returns when it is over. Lines that are
// no events are passed over. A container's image and labels are those of its record, if that is
// still there when its first event is met; else the image is that of its creation's event.
// Errors: those of EventReader and of the template; Unavailable [E_PIPE] when nobody reads.
absl::Status PrintEvents(const store::Store& store, const EventWishes& wishes);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_PS_LISTER_EVENTS_H_
