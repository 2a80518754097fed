// SPDX-License-Identifier: Apache-2.0
//
// One line of a container's log, as Docker's json-file driver writes it, and back:
//
//   {"log":"hello\n","stream":"stdout","time":"2026-11-21T09:00:00.1234567Z"}
//   {"log":"\u003cb\u003e","stream":"stderr","attrs":{"k":"v"},"time":"2026-11-21T09:00:01Z"}
//   {"log":"caf\ufffd\n","stream":"stdout","bytes":"e9","time":"2026-11-21T09:00:02Z"}
//
// "log" is what the payload wrote, with its newline; without one the line goes on in the next of
// its stream (it was longer than kMaxPiece), or it never ended. Escaped are `"` `\` `<` `>` `&`,
// the control characters, U+2028 and U+2029, as Docker has it. A byte that is not UTF-8 is
// `\ufffd`, so that Docker's readers and jq show the same; which bytes they were says "bytes" in
// hexadecimal, one for each `\ufffd` in turn. (A U+FFFD that the payload wrote itself is never
// escaped.) So nothing of what the payload wrote is lost.
//
// Sources: Docker's json-file format; RFC 8259; RFC 3339.

#ifndef STAVE_LIBS_LOG_LINE_H_
#define STAVE_LIBS_LOG_LINE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace stave::log {

enum class Stream : uint8_t { kStdout, kStderr };

// Bytes of the payload in one line at most, its newline included.
inline constexpr size_t kMaxPiece = 16384;
// A longer line of a file is damage. One of ours has at most 8 * kMaxPiece and its attributes.
inline constexpr size_t kMaxLine = size_t{1} << 20;

// Formats the lines of one stream. They have one time until another is set.
class LineFormat {
 public:
  // `attributes` is a JSON object (attributes.h), or "".
  LineFormat(Stream stream, absl::string_view attributes);

  // A time outside of the years 0 to 9999 becomes the nearest that is within.
  void SetTime(absl::Time time);

  // Writes the line that holds `piece`, and its newline, at `out`, where MaxSize(piece.size())
  // bytes are free, and returns its end. Wants a time.
  char* Write(absl::string_view piece, char* out) const;
  size_t MaxSize(size_t piece) const;

 private:
  std::string middle_;  // from the quote that ends the text
  // That, then from the comma before "time"; and what fills it up to the size that is copied.
  std::string tail_;
  size_t tail_size_ = 0;
};

// How many bytes of `text`, which has more than kMaxPiece and no newline in those, are to be in the
// next line: kMaxPiece, or up to three less where that would cut a character.
size_t PieceSize(absl::string_view text);

// How time is told: "2026-11-21T09:00:00.5Z", or with all nine digits of the fraction.
enum class Fraction { kShortest, kNineDigits };
inline constexpr size_t kMaxTime = 30;
// Writes it at `out`, where kMaxTime bytes are free, and returns its end.
char* FormatTime(absl::Time time, Fraction fraction, char* out);

// What a line says.
struct Record {
  Stream stream = Stream::kStdout;
  absl::Time time;
  std::string text;        // what the payload wrote
  std::string attributes;  // a JSON object, unchecked, or ""
};

// Reads one line, without its newline, into `record`, whose memory is used again. Members may be in
// any order, and ones that are not known are passed over, since Docker's own files are read too;
// "stream" and "time" have to be there. Safe for any bytes; raw ones that are not UTF-8 are taken
// as they are in a line of our form.
// Errors: DataLoss [E_CORRUPT]; then `record` holds rubbish.
absl::Status ParseLine(absl::string_view line, Record* record);

}  // namespace stave::log

#endif  // STAVE_LIBS_LOG_LINE_H_
