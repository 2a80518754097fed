// SPDX-License-Identifier: Apache-2.0
//
// Lines of a container's log: any bytes are parsed or refused, and what was read says the same when
// it is written and read again; any output of a payload comes back from a line that is JSON.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/json/parse.h"
#include "libs/log/line.h"

namespace {

using stave::log::Record;

void Require(bool condition) {
  if (!condition) std::abort();
}

std::string Format(const Record& record) {
  stave::log::LineFormat format(record.stream, record.attributes);
  format.SetTime(record.time);
  std::string line(format.MaxSize(record.text.size()), '\0');
  char* const end = format.Write(record.text, line.data());
  Require(end <= line.data() + line.size());
  line.resize(static_cast<size_t>(end - line.data()));
  Require(line.back() == '\n');
  line.pop_back();
  Require(line.find('\n') == line.npos);
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  Record read;
  if (stave::log::ParseLine(text, &read).ok()) {
    // Attributes are taken as they are: they may have a newline, which no line of a file has.
    if (text.find('\n') != text.npos) read.attributes.clear();
    Record again;
    Require(stave::log::ParseLine(Format(read), &again).ok());
    Require(again.text == read.text && again.stream == read.stream);
    Require(again.attributes == read.attributes);
  }
  if (size > stave::log::kMaxPiece) return 0;
  Record written;
  written.time = absl::UnixEpoch();
  written.text = std::string(text);
  const std::string line = Format(written);
  Require(stave::json::Parse(line).ok());
  Require(stave::log::ParseLine(line, &read).ok() && read.text == text);
  return 0;
}
