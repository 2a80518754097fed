// SPDX-License-Identifier: Apache-2.0
#include "libs/image/progress.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/base/number.h"
#include "libs/base/posix.h"

namespace stave::image {
namespace {

constexpr size_t kShortDigest = 12;
constexpr absl::Duration kBetweenDraws = absl::Milliseconds(100);

std::string ShortName(const oci::Digest& layer) { return layer.hex().substr(0, kShortDigest); }

void Write(int fd, absl::string_view text) {
  // Who does not read our progress gets the image all the same.
  base::WriteAll(fd, text, "stderr").IgnoreError();
}

// Whether the terminal has no line left below so many.
bool IsFull(int fd, size_t rows) {
  winsize size = {};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && rows + 1 >= size.ws_row;
}

}  // namespace

ProgressStyle ProgressStyleFor(int fd) {
  const char* term = ::getenv("TERM");
  if (::isatty(fd) == 0 || term == nullptr || ::strcmp(term, "dumb") == 0) {
    return ProgressStyle::kLines;
  }
  return ProgressStyle::kTerminal;
}

void Progress::Line(absl::string_view text) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (style_ == ProgressStyle::kNone) return;
  rows_.clear();  // they have moved up and stay as they are
  Write(fd_, absl::StrCat(text, "\n"));
}

void Progress::Warn(absl::string_view text) {
  const std::lock_guard<std::mutex> lock(mutex_);
  rows_.clear();
  Write(fd_, absl::StrCat(text, "\n"));
}

Progress::Row* Progress::FindRow(const std::string& name) {
  for (Row& row : rows_) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

void Progress::Draw(const std::string& name, absl::string_view state) {
  const std::string text = absl::StrCat(name, ": ", state);
  if (style_ == ProgressStyle::kTerminal && IsFull(fd_, rows_.size())) {
    style_ = ProgressStyle::kLines;  // a line that has left the screen cannot be rewritten
  }
  Row* row = style_ == ProgressStyle::kTerminal ? FindRow(name) : nullptr;
  if (row == nullptr) {
    rows_.push_back({name, absl::Now()});
    Write(fd_, absl::StrCat(text, "\n"));
    return;
  }
  row->drawn = absl::Now();
  const size_t up = rows_.size() - static_cast<size_t>(row - rows_.data());
  Write(fd_, absl::StrCat("\x1b[", up, "A\r\x1b[2K", text, "\r\x1b[", up, "B"));
}

bool Progress::Fits(size_t layers) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return style_ != ProgressStyle::kTerminal || !IsFull(fd_, rows_.size() + layers);
}

void Progress::Set(const oci::Digest& layer, absl::string_view state) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (style_ == ProgressStyle::kNone) return;
  Draw(ShortName(layer), state);
}

void Progress::Bytes(const oci::Digest& layer, int64_t done, int64_t total) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (style_ != ProgressStyle::kTerminal) return;
  const Row* row = FindRow(ShortName(layer));
  if (row != nullptr && absl::Now() - row->drawn < kBetweenDraws) return;
  Draw(ShortName(layer), absl::StrCat("Downloading  ", base::FormatSizeDecimal(done), "/",
                                      base::FormatSizeDecimal(total)));
}

}  // namespace stave::image
