// SPDX-License-Identifier: Apache-2.0
//
// Where bytes come from, one way and once: a descriptor, memory, a decoder over another source.
// Sources stack:
//
//   FdSource fd(0, "layer");                   // packed bytes
//   auto plain = Decompress(&fd);              // libs/archive/decompress.h
//   ReadAhead ahead(plain->get());             // decodes in a thread of its own
//   TarReader tar(&ahead);                     // libs/archive/tar_reader.h

#ifndef STAVE_LIBS_ARCHIVE_BYTE_SOURCE_H_
#define STAVE_LIBS_ARCHIVE_BYTE_SOURCE_H_

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stave::archive {

// What a good buffer between two sources holds: igzip is fast only with large pieces.
inline constexpr size_t kBufferSize = 256 * 1024;

class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Puts 1..size bytes at `to` and returns how many; 0 is the end, and stays so. After an error
  // the source is dead: the same error again.
  virtual absl::StatusOr<size_t> Read(char* to, size_t size) = 0;
};

// Reads a file, pipe or socket, which it borrows. `noun` names it in messages.
class FdSource : public ByteSource {
 public:
  FdSource(int fd, absl::string_view noun) : fd_(fd), noun_(noun) {}
  absl::StatusOr<size_t> Read(char* to, size_t size) override;

 private:
  int fd_;
  std::string noun_;
};

// Hands out `bytes`, which must outlive it, at most `piece` at a time.
class MemorySource : public ByteSource {
 public:
  MemorySource(absl::string_view bytes, size_t piece) : rest_(bytes), piece_(piece) {}
  absl::StatusOr<size_t> Read(char* to, size_t size) override;

 private:
  absl::string_view rest_;
  size_t piece_;
};

}  // namespace stave::archive

#endif  // STAVE_LIBS_ARCHIVE_BYTE_SOURCE_H_
