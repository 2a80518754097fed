// SPDX-License-Identifier: Apache-2.0
//
// Where the last lines of a log begin, found from its end backwards: what is before them is not
// read.

#ifndef STAVE_LIBS_LOG_TAIL_H_
#define STAVE_LIBS_LOG_TAIL_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/log/files.h"

namespace stave::log {

struct Position {
  size_t file = 0;   // of the files
  off_t offset = 0;  // where a line of it begins
};

// Where the last `count` lines of the payload begin in `files` (oldest first) as they were when
// they were opened. A long line that is stored in several counts once, and so does one that has no
// end yet; lines later than `until`, and damaged ones, do not count. With fewer lines it is the
// beginning, with 0 the end.
// Errors: those of pread(2).
absl::StatusOr<Position> FindTail(const std::vector<LogFile>& files, uint64_t count,
                                  absl::Time until);

}  // namespace stave::log

#endif  // STAVE_LIBS_LOG_TAIL_H_
