// SPDX-License-Identifier: Apache-2.0
//
// Reads a log: all its files, oldest first, and then what comes.
//
//   auto reader = Reader::Open(folder, {.tail = 10});
//   STAVE_RETURN_IF_ERROR(reader->Read([&](const Record& record) { ..; return absl::OkStatus();
//   }));
//
// Needs nothing of who writes, and holds nobody up. Following goes through rotation without losing,
// repeating or tearing a line, as long as the reader is less than a whole log behind: then files
// are gone before they were opened, and gap() says so. Damage (lines torn by a crash, rubbish) is
// passed over and counted.

#ifndef STAVE_LIBS_LOG_READER_H_
#define STAVE_LIBS_LOG_READER_H_

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/base/unique_fd.h"
#include "libs/log/files.h"
#include "libs/log/line.h"

namespace stave::log {

// Which lines: the last `tail` of those that are not later than `until`, and of these the ones that
// are not earlier than `since`.
struct Query {
  std::optional<uint64_t> tail = std::nullopt;  // all
  absl::Time since = absl::InfinitePast();
  absl::Time until = absl::InfiniteFuture();
};

// Told each line. An error ends the reading and is returned. `record` is good until it returns.
using Sink = absl::FunctionRef<absl::Status(const Record& record)>;

// What Follow waits for besides the log.
struct Waiting {
  // Whether nothing more will be written. Asked before each wait, and again when one of `wake` has
  // an event, which it has to take. What was written before it says so is still read.
  std::function<absl::StatusOr<bool>()> ended;
  std::vector<pollfd> wake;
  // Called before each wait: what the sink keeps in a buffer can go out.
  std::function<absl::Status()> idle;
};

class Reader {
 public:
  // Opens the files in the folder, and finds where to begin. `dirfd` is duplicated. A folder
  // without files is an empty log. Errors: those of OpenFiles and FindTail.
  static absl::StatusOr<Reader> Open(int dirfd, const Query& query);

  // Tells what was there when Open returned. Errors: the sink's; those of pread(2).
  absl::Status Read(Sink sink);

  // Tells what is there, and then what comes, until `ended` says so, or `until` is over. Errors:
  // those of Read and of `waiting`.
  absl::Status Follow(Sink sink, const Waiting& waiting);

  uint64_t damaged() const { return damaged_; }  // lines passed over so far
  bool torn() const { return torn_; }            // the last line that was read has no end
  bool gap() const { return gap_; }              // files were gone before they were read

 private:
  Reader(base::UniqueFd folder, const Query& query);

  // Everything there is now; unless following, only what there was at Open.
  absl::Status Drain(Sink sink, bool is_following);
  absl::Status OpenNewer();
  absl::StatusOr<bool> ReadChunk(Sink sink, off_t limit);
  absl::Status TellLines(absl::string_view lines, Sink sink);
  absl::Status Wait(const Waiting& waiting);

  base::UniqueFd folder_;
  Query query_;
  base::UniqueFd changes_;     // inotify; invalid where there is none to be had
  std::deque<LogFile> files_;  // from the one that is read on
  off_t offset_ = 0;           // in the first of them: where a line begins
  std::string buffer_;
  bool is_skipping_ = false;  // a line that is too long
  Record record_;
  uint64_t damaged_ = 0;
  bool torn_ = false;
  bool gap_ = false;
};

}  // namespace stave::log

#endif  // STAVE_LIBS_LOG_READER_H_
