// SPDX-License-Identifier: Apache-2.0
//
// Reading RUN/events.json (events.h) line by line, on through rotations:
//
//   STAVE_ASSIGN_OR_RETURN(EventReader reader, EventReader::Open(store));
//   for (;;) {
//     while (std::optional<std::string> line = reader.Next()) ...
//     poll(reader.fd(), POLLIN);
//   }
//
// A reader that follows misses no line as long as the file is not renamed twice between two of its
// calls, which takes kMaxEventBytes of events.

#ifndef STAVE_LIBS_STORE_EVENT_READER_H_
#define STAVE_LIBS_STORE_EVENT_READER_H_

#include <deque>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"
#include "libs/store/store.h"

namespace stave::store {

class EventReader {
 public:
  enum class From {
    kOldest,  // all that is there, events.json.1 first
    kNow,     // what comes after the call
  };
  // `store` must outlive it. No file is an empty one.
  // Errors: NotFound if there is no RUN to watch; those of inotify_init(2) and open(2).
  static absl::StatusOr<EventReader> Open(const Store& store, From from);

  // The next whole line, without newline; empty ones and those of more than kMaxEventLine bytes are
  // passed over. nullopt: there is none now.
  std::optional<std::string> Next();

  // An inotify descriptor that is readable when there may be more; Next() empties it.
  int fd() const { return events_.get(); }

 private:
  explicit EventReader(const Store& store) : store_(&store) {}
  std::optional<std::string> TakeLine();
  bool Read();
  bool NextFile();

  const Store* store_;
  base::UniqueFd events_;
  base::UniqueFd file_;               // the one that is being read
  std::deque<base::UniqueFd> files_;  // those to be read after it
  std::string text_;                  // read, and not taken
  bool too_long_ = false;             // the line that is being read is
};

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_EVENT_READER_H_
