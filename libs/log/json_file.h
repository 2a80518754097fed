// SPDX-License-Identifier: Apache-2.0
//
// The json-file driver: pieces of output become lines (line.h) in a buffer, and go from there into
// a rotating file (rotating_file.h).
//
// Lines that were lost are told by a line of the log itself, on stderr, once lines can be stored
// again: "stave: 12 lines of this log were lost: No space left on device".

#ifndef STAVE_LIBS_LOG_JSON_FILE_H_
#define STAVE_LIBS_LOG_JSON_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/log/line.h"
#include "libs/log/rotating_file.h"

namespace stave::log {

class JsonFile {
 public:
  // Errors: those of RotatingFile::Open.
  static absl::StatusOr<JsonFile> Open(int dirfd, const Limits& limits,
                                       absl::string_view attributes);

  // The time of the pieces that follow.
  void SetTime(absl::Time time);
  // Takes a piece of at most kMaxPiece bytes, with its newline or without one.
  void Put(Stream stream, absl::string_view piece);
  // Writes what was put, after what is to be told of lost lines.
  void Flush();

  // Gives the buffer's memory back until more is put. Only after Flush.
  void ReleaseMemory();
  // Lines that are lost and not yet told in the log.
  uint64_t lost() const { return file_.loss().lines; }

 private:
  JsonFile(RotatingFile file, absl::string_view attributes);
  void TellLoss();

  RotatingFile file_;
  LineFormat stdout_;
  LineFormat stderr_;
  size_t buffer_size_;
  std::unique_ptr<char[]> buffer_;  // not touched further than it is used
  size_t used_ = 0;
};

}  // namespace stave::log

#endif  // STAVE_LIBS_LOG_JSON_FILE_H_
