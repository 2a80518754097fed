// SPDX-License-Identifier: Apache-2.0
//
// Where bytes go to, one way: a descriptor, memory, an encoder before another sink. The other side
// of byte_source.h.

#ifndef STAVE_LIBS_ARCHIVE_BYTE_SINK_H_
#define STAVE_LIBS_ARCHIVE_BYTE_SINK_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace stave::archive {

class ByteSink {
 public:
  virtual ~ByteSink() = default;

  // Takes all of `bytes`. After an error the sink is dead: what came before may be half there.
  virtual absl::Status Write(absl::string_view bytes) = 0;
};

// Writes to a file, pipe or socket, which it borrows, at once. `noun` names it in messages.
class FdSink : public ByteSink {
 public:
  FdSink(int fd, absl::string_view noun) : fd_(fd), noun_(noun) {}
  absl::Status Write(absl::string_view bytes) override;

 private:
  int fd_;
  std::string noun_;
};

// Appends to a string, which it borrows.
class StringSink : public ByteSink {
 public:
  explicit StringSink(std::string* to) : to_(to) {}
  absl::Status Write(absl::string_view bytes) override;

 private:
  std::string* to_;
};

}  // namespace stave::archive

#endif  // STAVE_LIBS_ARCHIVE_BYTE_SINK_H_
