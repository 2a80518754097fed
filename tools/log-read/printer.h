// SPDX-License-Identifier: Apache-2.0
//
// Lines of a log as docker logs prints them: what the payload wrote to stdout on stdout, the rest
// on stderr, in the order of the log.
//
//   2026-11-21T09:00:00.123456700Z k=v hello        with --timestamps --details
//
// A long line that is stored in several has these once, at its beginning.

#ifndef STAVE_TOOLS_LOG_READ_PRINTER_H_
#define STAVE_TOOLS_LOG_READ_PRINTER_H_

#include <string>

#include "absl/status/status.h"
#include "libs/log/line.h"

namespace stave::tools {

struct Style {
  bool timestamps = false;
  bool details = false;
};

class Printer {
 public:
  // `out` and `err` are borrowed.
  Printer(Style style, int out, int err) : style_(style), fds_{out, err} {}

  // Keeps at most some 64 KiB back until Flush. Errors: those of base::WriteAll.
  absl::Status Print(const log::Record& record);
  absl::Status Flush();

 private:
  Style style_;
  int fds_[2];
  bool in_line_[2] = {false, false};           // its last line has no end yet
  log::Stream stream_ = log::Stream::kStdout;  // of what is in text_
  std::string text_;
};

}  // namespace stave::tools

#endif  // STAVE_TOOLS_LOG_READ_PRINTER_H_
