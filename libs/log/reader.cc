// SPDX-License-Identifier: Apache-2.0
#include "libs/log/reader.h"

#include <errno.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/log/tail.h"

namespace stave::log {
namespace {

constexpr size_t kChunk = size_t{256} << 10;
constexpr off_t kNoLimit = std::numeric_limits<off_t>::max();
// How often is looked where the kernel has no more inotify to give.
constexpr int kLookEvery = 200;  // ms

// Says when something in the folder changes; invalid if that cannot be had.
base::UniqueFd WatchFolder(int folder) {
  base::UniqueFd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  constexpr uint32_t kChanges = IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF;
  if (watch.valid() &&
      ::inotify_add_watch(watch.get(), absl::StrCat("/proc/self/fd/", folder).c_str(),
                          kChanges | IN_ONLYDIR) < 0) {
    watch.Reset();
  }
  return watch;
}

void TakeEvents(int watch) {
  alignas(inotify_event) char events[4096];
  while (::read(watch, events, sizeof events) > 0) {
  }
}

// How long may be waited for `until`, as poll(2) has it.
int Timeout(absl::Time until, bool has_watch) {
  if (has_watch && until == absl::InfiniteFuture()) return -1;
  const int64_t most = has_watch ? int64_t{3600} * 1000 : kLookEvery;
  const int64_t left = absl::ToInt64Milliseconds(until - absl::Now());
  return static_cast<int>(std::clamp<int64_t>(left, 0, most)) + 1;
}

}  // namespace

Reader::Reader(base::UniqueFd folder, const Query& query)
    : folder_(std::move(folder)), query_(query) {}

absl::StatusOr<Reader> Reader::Open(int dirfd, const Query& query) {
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd folder, base::Duplicate(dirfd));
  Reader reader(std::move(folder), query);
  STAVE_ASSIGN_OR_RETURN(LogFiles found, OpenFiles(dirfd, nullptr));
  Position start;
  if (query.tail.has_value()) {
    STAVE_ASSIGN_OR_RETURN(start, FindTail(found.files, *query.tail, query.until));
  }
  reader.offset_ = start.offset;
  for (size_t i = start.file; i < found.files.size(); ++i) {
    reader.files_.push_back(std::move(found.files[i]));
  }
  return reader;
}

absl::Status Reader::Read(Sink sink) { return Drain(sink, false); }

absl::Status Reader::Follow(Sink sink, const Waiting& waiting) {
  changes_ = WatchFolder(folder_.get());
  while (true) {
    STAVE_ASSIGN_OR_RETURN(const bool has_ended, waiting.ended());
    const bool is_over = has_ended || absl::Now() > query_.until;
    STAVE_RETURN_IF_ERROR(Drain(sink, true));
    STAVE_RETURN_IF_ERROR(waiting.idle());
    if (is_over) return absl::OkStatus();
    STAVE_RETURN_IF_ERROR(Wait(waiting));
  }
}

absl::Status Reader::Wait(const Waiting& waiting) {
  std::vector<pollfd> polls = waiting.wake;
  polls.push_back({changes_.get(), POLLIN, 0});
  const int timeout = Timeout(query_.until, changes_.valid());
  if (::poll(polls.data(), polls.size(), timeout) < 0 && errno != EINTR) {
    return base::PosixError(errno, "log", "poll");
  }
  if (changes_.valid()) TakeEvents(changes_.get());
  return absl::OkStatus();
}

absl::Status Reader::Drain(Sink sink, bool is_following) {
  while (true) {
    if (is_following) STAVE_RETURN_IF_ERROR(OpenNewer());
    if (files_.empty()) return absl::OkStatus();
    // Known before the read: a file that has a newer one is whole.
    const bool has_newer = files_.size() > 1;
    const off_t limit = is_following || has_newer ? kNoLimit : files_.front().size;
    STAVE_ASSIGN_OR_RETURN(const bool has_more, ReadChunk(sink, limit));
    if (has_more) continue;
    if (!has_newer) return absl::OkStatus();
    if (torn_ || is_skipping_) ++damaged_;
    torn_ = is_skipping_ = false;
    files_.pop_front();
    offset_ = 0;
  }
}

absl::Status Reader::OpenNewer() {
  if (!files_.empty() && !IsRotated(folder_.get(), files_.back())) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(LogFiles found,
                         OpenFiles(folder_.get(), files_.empty() ? nullptr : &files_.back()));
  gap_ = gap_ || found.gap;
  for (LogFile& file : found.files) files_.push_back(std::move(file));
  return absl::OkStatus();
}

// Tells the whole lines that come next in the first file; whether there may be more.
absl::StatusOr<bool> Reader::ReadChunk(Sink sink, off_t limit) {
  if (offset_ >= limit) return false;
  if (buffer_.empty()) buffer_.resize(kChunk);
  const LogFile& file = files_.front();
  ssize_t n;
  do {
    n = ::pread(file.fd.get(), buffer_.data(), buffer_.size(), offset_);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return base::PosixError(errno, "log", "read");
  const absl::string_view chunk(buffer_.data(), static_cast<size_t>(n));
  const size_t end = chunk.rfind('\n');
  if (end != chunk.npos) {
    offset_ += static_cast<off_t>(end + 1);
    torn_ = end + 1 != chunk.size() && offset_ < limit;
    STAVE_RETURN_IF_ERROR(TellLines(chunk.substr(0, end + 1), sink));
    return offset_ < limit;
  }
  torn_ = !chunk.empty();
  if (chunk.empty()) {
    struct stat st;
    // Somebody has emptied it by hand: what comes now is new.
    if (::fstat(file.fd.get(), &st) != 0 || st.st_size >= offset_) return false;
    offset_ = 0;
    return st.st_size > 0;
  }
  if (chunk.size() < buffer_.size()) return false;
  if (buffer_.size() <= kMaxLine) {
    buffer_.resize(2 * buffer_.size());
  } else {
    is_skipping_ = true;
    offset_ += static_cast<off_t>(chunk.size());
  }
  return true;
}

absl::Status Reader::TellLines(absl::string_view lines, Sink sink) {
  if (is_skipping_) {
    lines.remove_prefix(lines.find('\n') + 1);
    is_skipping_ = false;
    ++damaged_;
  }
  while (!lines.empty()) {
    const size_t end = lines.find('\n');
    if (!ParseLine(lines.substr(0, end), &record_).ok()) {
      ++damaged_;
    } else if (record_.time >= query_.since && record_.time <= query_.until) {
      STAVE_RETURN_IF_ERROR(sink(record_));
    }
    lines.remove_prefix(end + 1);
  }
  return absl::OkStatus();
}

}  // namespace stave::log
