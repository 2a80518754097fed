// SPDX-License-Identifier: Apache-2.0
#include "tools/log-read/printer.h"

#include "absl/strings/str_cat.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/log/attributes.h"

namespace stave::tools {
namespace {

constexpr size_t kWriteSize = size_t{64} << 10;

}  // namespace

absl::Status Printer::Print(const log::Record& record) {
  if (record.stream != stream_ || text_.size() >= kWriteSize) {
    STAVE_RETURN_IF_ERROR(Flush());
    stream_ = record.stream;
  }
  bool& in_line = in_line_[static_cast<int>(record.stream)];
  if (!in_line && style_.timestamps) {
    char time[log::kMaxTime];
    const char* const end = log::FormatTime(record.time, log::Fraction::kNineDigits, time);
    text_.append(time, static_cast<size_t>(end - time));
    text_.push_back(' ');
  }
  if (!in_line && style_.details) {
    absl::StrAppend(&text_, log::AttributesText(record.attributes), " ");
  }
  text_.append(record.text);
  in_line = !record.text.empty() && record.text.back() != '\n';
  return absl::OkStatus();
}

absl::Status Printer::Flush() {
  if (text_.empty()) return absl::OkStatus();
  const bool is_out = stream_ == log::Stream::kStdout;
  const absl::Status written =
      base::WriteAll(fds_[static_cast<int>(stream_)], text_, is_out ? "stdout" : "stderr");
  text_.clear();
  return written;
}

}  // namespace stave::tools
