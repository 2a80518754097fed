// SPDX-License-Identifier: Apache-2.0
//
// The log of a container, for who reads what the container writes:
//
//   auto log = Writer::Open(folder, options);
//   log->Write(Stream::kStdout, bytes, absl::Now());     // as often as bytes have come
//   log->End(Stream::kStdout, absl::Now());              // once the stream has ended
//
// A line is stored when its newline has come; until then it is held, a stream apart, up to
// kMaxPiece bytes: those are stored, and the line goes on in the next. What the stream ends with is
// stored without a newline. Nothing of this stops or slows the container: what cannot be stored is
// lost, counted, and told in the log later (json_file.h).
//
// Each call leaves everything stored but the held tails: for a piece of 64 KiB of usual lines that
// takes one or two write(2).

#ifndef STAVE_LIBS_LOG_WRITER_H_
#define STAVE_LIBS_LOG_WRITER_H_

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/log/driver.h"
#include "libs/log/journal.h"
#include "libs/log/json_file.h"
#include "libs/log/line.h"
#include "libs/log/rotating_file.h"

namespace stave::log {

struct WriterOptions {
  Driver driver = Driver::kJsonFile;
  Limits limits = {};                           // of json-file
  Origin origin = {};                           // of journald; its attributes are json-file's, too
  std::string journal_socket = kJournalSocket;  // for tests
};

class Writer {
 public:
  // `dirfd` is the folder of the files; it is duplicated, and not looked at by other drivers.
  // Errors: those of RotatingFile::Open and Journal::Open.
  static absl::StatusOr<Writer> Open(int dirfd, const WriterOptions& options);

  void Write(Stream stream, absl::string_view bytes, absl::Time time);
  void End(Stream stream, absl::Time time);

  // Lines that are lost and not told in the log.
  uint64_t lost() const;

  // Gives the buffer's memory back until the next Write: for while the container is silent.
  void ReleaseMemory();

 private:
  struct None {};
  using Sink = std::variant<None, JsonFile, Journal>;
  explicit Writer(Sink sink) : sink_(std::move(sink)) {}

  // One piece, with its newline or without one.
  void Put(Stream stream, absl::string_view piece, absl::Time time);
  // The pieces of `bytes` that are whole; the rest is left.
  void PutPieces(Stream stream, absl::string_view* bytes, absl::Time time);
  void SetTime(absl::Time time);
  void Flush();

  Sink sink_;
  std::string held_[2];  // of each stream: a line that has no end yet
  uint64_t lost_ = 0;    // by the journal
};

}  // namespace stave::log

#endif  // STAVE_LIBS_LOG_WRITER_H_
