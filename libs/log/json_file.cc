// SPDX-License-Identifier: Apache-2.0
#include "libs/log/json_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/status_macros.h"

namespace stave::log {
namespace {

// What is written at once. Behind it there is room for one line more.
constexpr size_t kWriteSize = size_t{64} << 10;

}  // namespace

JsonFile::JsonFile(RotatingFile file, absl::string_view attributes)
    : file_(std::move(file)),
      stdout_(Stream::kStdout, attributes),
      stderr_(Stream::kStderr, attributes),
      buffer_size_(kWriteSize + stdout_.MaxSize(kMaxPiece)),
      buffer_(new char[buffer_size_]) {}

absl::StatusOr<JsonFile> JsonFile::Open(int dirfd, const Limits& limits,
                                        absl::string_view attributes) {
  STAVE_ASSIGN_OR_RETURN(RotatingFile file, RotatingFile::Open(dirfd, limits));
  return JsonFile(std::move(file), attributes);
}

void JsonFile::SetTime(absl::Time time) {
  stdout_.SetTime(time);
  stderr_.SetTime(time);
}

void JsonFile::Put(Stream stream, absl::string_view piece) {
  const LineFormat& format = stream == Stream::kStdout ? stdout_ : stderr_;
  char* const start = buffer_.get();
  used_ = static_cast<size_t>(format.Write(piece, start + used_) - start);
  if (used_ >= kWriteSize) Flush();
}

void JsonFile::Flush() {
  if (file_.loss().lines > 0) TellLoss();
  if (used_ == 0) return;
  file_.Append(absl::string_view(buffer_.get(), used_));
  used_ = 0;
}

// Rarely: so it may allocate.
void JsonFile::TellLoss() {
  const Loss loss = file_.loss();
  const std::string text =
      absl::StrCat("stave: ", loss.lines, loss.lines == 1 ? " line" : " lines", " of this log ",
                   loss.lines == 1 ? "was" : "were", " lost: ", std::strerror(loss.error), "\n");
  std::string line(stderr_.MaxSize(text.size()), '\0');
  line.resize(static_cast<size_t>(stderr_.Write(text, line.data()) - line.data()));
  file_.SetLoss(Loss());
  file_.Append(line);
  if (file_.loss().lines > 0) file_.SetLoss(loss);
}

void JsonFile::ReleaseMemory() {
  const uintptr_t page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const uintptr_t start = reinterpret_cast<uintptr_t>(buffer_.get());
  const uintptr_t first = (start + page - 1) / page * page;
  const uintptr_t end = (start + buffer_size_) / page * page;
  if (first < end) ::madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED);
}

}  // namespace stave::log
