// SPDX-License-Identifier: Apache-2.0
#include "libs/store/event_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "absl/status/status.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/store/events.h"

namespace stave::store {
namespace {

base::UniqueFd OpenFile(int run, const char* name) {
  base::UniqueFd fd(::openat(run, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat st;
  if (fd.valid() && (::fstat(fd.get(), &st) < 0 || !S_ISREG(st.st_mode))) fd.Reset();
  return fd;
}

bool AreSame(const base::UniqueFd& a, const base::UniqueFd& b) {
  struct stat one, two;
  return a.valid() && b.valid() && ::fstat(a.get(), &one) == 0 && ::fstat(b.get(), &two) == 0 &&
         one.st_ino == two.st_ino && one.st_dev == two.st_dev;
}

}  // namespace

absl::StatusOr<EventReader> EventReader::Open(const Store& store, From from) {
  if (store.run() < 0) {
    return base::Error(absl::StatusCode::kNotFound, "E_NOT_FOUND",
                       store.run_path() + ": there is nothing to watch");
  }
  EventReader reader(store);
  reader.events_ = base::UniqueFd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!reader.events_.valid()) return base::PosixError(errno, "events", "inotify_init");
  // Watched before it is looked at: nothing comes unseen in between.
  if (::inotify_add_watch(reader.fd(), store.run_path().c_str(),
                          IN_MODIFY | IN_CREATE | IN_MOVE | IN_ONLYDIR) < 0) {
    return base::PosixError(errno, store.run_path(), "watch");
  }
  base::UniqueFd current = OpenFile(store.run(), kEventsFile);
  if (from == From::kNow) {
    // Without a current one, the old one is what all that is read comes after.
    if (!current.valid()) current = OpenFile(store.run(), kOldEventsFile);
    if (current.valid()) ::lseek(current.get(), 0, SEEK_END);
    reader.file_ = std::move(current);
    return reader;
  }
  base::UniqueFd old = OpenFile(store.run(), kOldEventsFile);
  const bool same = AreSame(old, current);
  if (old.valid() && !same) reader.files_.push_back(std::move(old));
  if (current.valid()) reader.files_.push_back(std::move(current));
  if (!reader.files_.empty()) {
    reader.file_ = std::move(reader.files_.front());
    reader.files_.pop_front();
  }
  return reader;
}

std::optional<std::string> EventReader::TakeLine() {
  for (;;) {
    const size_t end = text_.find('\n');
    if (end == text_.npos) break;
    std::string line = text_.substr(0, end);
    text_.erase(0, end + 1);
    const bool whole = !too_long_ && !line.empty();
    too_long_ = false;
    if (whole) return line;
  }
  if (text_.size() > kMaxEventLine) {
    text_.clear();
    too_long_ = true;
  }
  return std::nullopt;
}

bool EventReader::Read() {
  if (!file_.valid()) return false;
  char buffer[16384];
  const ssize_t size = ::read(file_.get(), buffer, sizeof buffer);
  if (size <= 0) return false;
  text_.append(buffer, static_cast<size_t>(size));
  return true;
}

// Goes on to the file after the one that is being read, if that was renamed: from then on nothing
// is added to it. The current file is opened before the old one is looked at, so that a rename in
// between is seen.
bool EventReader::NextFile() {
  if (files_.empty()) {
    base::UniqueFd current = OpenFile(store_->run(), kEventsFile);
    if (AreSame(current, file_)) return false;
    base::UniqueFd old = OpenFile(store_->run(), kOldEventsFile);
    // Neither is the one that was read: there has been another in between.
    const bool missed = old.valid() && !AreSame(old, file_) && !AreSame(old, current);
    if (missed) files_.push_back(std::move(old));
    if (current.valid()) files_.push_back(std::move(current));
    if (files_.empty()) return false;
    if (Read()) return true;  // what was added before it was renamed
  }
  file_ = std::move(files_.front());
  files_.pop_front();
  text_.clear();
  too_long_ = false;
  return true;
}

std::optional<std::string> EventReader::Next() {
  for (;;) {
    if (std::optional<std::string> line = TakeLine()) return line;
    if (Read()) continue;
    // Emptied before the last look: what comes after it makes it readable again.
    char notes[4096];
    while (::read(fd(), notes, sizeof notes) > 0) {
    }
    if (Read() || NextFile()) continue;
    return std::nullopt;
  }
}

}  // namespace stave::store
