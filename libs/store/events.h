// SPDX-License-Identifier: Apache-2.0
//
// What happens to containers, a JSON line each, appended to RUN/events.json by whoever does it:
//
//   {"time":"2026-01-02T03:04:05.6Z","type":"container","action":"die","id":"4f..","name":"web",
//    "attributes":{"exitCode":"0"}}
//
// Actions: create start die stop kill pause unpause restart oom health_status rename update destroy
// attach detach exec_create exec_start exec_die. Attributes are texts: image of create and its
// labels, as label.KEY; exitCode of die and exec_die (absent: unknown), execDuration of die (whole
// seconds), signal of kill, oldName of rename, health of health_status.
//
// Writers share a lock while they append, with one write(2); who finds more than kMaxEventBytes
// takes it alone and renames the file to events.json.1, over the one before. So a line is whole,
// and none is added to a file that has been renamed. Nobody waits for the lock: where it is held by
// one that was stopped, the line is written all the same and the file is not renamed this time. A
// reboot forgets all. Reading: event_reader.h.

#ifndef STAVE_LIBS_STORE_EVENTS_H_
#define STAVE_LIBS_STORE_EVENTS_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/store/store.h"

namespace stave::store {

inline constexpr char kEventsFile[] = "events.json";
inline constexpr char kOldEventsFile[] = "events.json.1";
inline constexpr char kLabelAttribute[] = "label.";
inline constexpr int64_t kMaxEventBytes = int64_t{4} << 20;
inline constexpr size_t kMaxEventLine = size_t{64} << 10;

struct Event {
  absl::Time time = absl::UnixEpoch();
  std::string type = "container";
  std::string action;
  std::string id;
  std::string name;
  std::map<std::string, std::string> attributes;
};

// Without newline.
std::string FormatEvent(const Event& event);

// Errors: DataLoss [E_CORRUPT] for what is no such line.
absl::StatusOr<Event> ParseEvent(absl::string_view line);

// Appends it, with the time of now if it has none (the epoch). What keeps it from being written (a
// full file system, a store that is only read) is not told: no act fails for want of its event.
// A line longer than kMaxEventLine loses its attributes.
void AppendEvent(const Store& store, Event event);

// The same of a container, in short: AppendEvent(store, "die", id, name, {{"exitCode", "0"}}).
void AppendEvent(const Store& store, absl::string_view action, const std::string& id,
                 const std::string& name, std::map<std::string, std::string> attributes = {});

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_EVENTS_H_
