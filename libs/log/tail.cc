// SPDX-License-Identifier: Apache-2.0
#include "libs/log/tail.h"

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/log/line.h"

namespace stave::log {
namespace {

constexpr size_t kBlock = size_t{64} << 10;

// The lines of a file, last first.
class BackwardLines {
 public:
  BackwardLines(const LogFile& file) : fd_(file.fd.get()), begin_(file.size) {}

  // The line before, without its newline; nullopt at the beginning. Of a line that is longer than
  // kMaxLine a part, too long to be one.
  absl::StatusOr<std::optional<absl::string_view>> Next();
  off_t offset() const { return begin_ + static_cast<off_t>(end_); }

 private:
  absl::Status ReadBlock();

  int fd_;
  off_t begin_;       // of what is in text_
  std::string text_;  // what has been read and not been told, up to end_
  size_t end_ = 0;
};

absl::Status BackwardLines::ReadBlock() {
  const size_t size = static_cast<size_t>(std::min<off_t>(begin_, kBlock));
  // Of a line that is too long enough is kept to see that it is.
  text_.resize(std::min(end_, kMaxLine + 1));
  text_.insert(0, size, '\0');
  begin_ -= static_cast<off_t>(size);
  for (size_t done = 0; done < size;) {
    const ssize_t n =
        ::pread(fd_, text_.data() + done, size - done, begin_ + static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::PosixError(errno, "log", "read");
    if (n == 0) break;  // it was emptied meanwhile: NULs, which are no line
    done += static_cast<size_t>(n);
  }
  end_ = text_.size();
  return absl::OkStatus();
}

absl::StatusOr<std::optional<absl::string_view>> BackwardLines::Next() {
  size_t searched = 0;  // behind that many bytes of an end there is no newline
  while (true) {
    // The newline at the very end belongs to the line itself.
    const absl::string_view known(text_.data(), end_);
    const size_t last = known.size() - std::min(known.size(), std::max<size_t>(searched, 1));
    const size_t newline = last == 0 ? known.npos : known.rfind('\n', last - 1);
    if (newline != known.npos || (begin_ == 0 && end_ > 0)) {
      const size_t start = newline == known.npos ? 0 : newline + 1;
      absl::string_view line = known.substr(start);
      if (line.back() == '\n') line.remove_suffix(1);
      end_ = start;
      return line;
    }
    if (begin_ == 0) return std::nullopt;
    searched = std::min(end_, kMaxLine + 1);
    STAVE_RETURN_IF_ERROR(ReadBlock());
  }
}

// Counts lines of the payload, from the last backwards.
class Counter {
 public:
  enum class Answer {
    kWanted,
    kPassedOver,  // damaged, or too late
    kEnough,      // all that are wanted have been
  };

  explicit Counter(uint64_t count, absl::Time until) : left_(count), until_(until) {}

  Answer Count(absl::string_view line) {
    if (!ParseLine(line, &record_).ok() || record_.time > until_) return Answer::kPassedOver;
    const bool is_end = !record_.text.empty() && record_.text.back() == '\n';
    bool& is_open = is_open_[static_cast<int>(record_.stream)];
    if (!is_end && is_open) return Answer::kWanted;
    if (left_ == 0) return Answer::kEnough;
    --left_;
    is_open = true;
    return Answer::kWanted;
  }

 private:
  uint64_t left_;
  absl::Time until_;
  bool is_open_[2] = {false, false};  // a line of the stream was counted that may begin earlier
  Record record_;
};

}  // namespace

absl::StatusOr<Position> FindTail(const std::vector<LogFile>& files, uint64_t count,
                                  absl::Time until) {
  if (files.empty()) return Position();
  if (count == 0) return Position{files.size() - 1, files.back().size};
  Counter counter(count, until);
  Position start;
  for (size_t file = files.size(); file-- > 0;) {
    BackwardLines lines(files[file]);
    while (true) {
      STAVE_ASSIGN_OR_RETURN(const auto line, lines.Next());
      if (!line.has_value()) break;
      const Counter::Answer answer = counter.Count(*line);
      if (answer == Counter::Answer::kEnough) return start;
      if (answer == Counter::Answer::kWanted) start = {file, lines.offset()};
    }
  }
  return Position();
}

}  // namespace stave::log
