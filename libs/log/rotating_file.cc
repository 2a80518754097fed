// SPDX-License-Identifier: Apache-2.0
#include "libs/log/rotating_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/log/files.h"

namespace stave::log {
namespace {

// As much of `data` as can be written; *error is 0, or says why there is more.
size_t WriteSome(int fd, absl::string_view data, int* error) {
  size_t done = 0;
  *error = 0;
  while (done < data.size()) {
    const ssize_t n = ::write(fd, data.data() + done, data.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      *error = n < 0 ? errno : ENOSPC;
      break;
    }
    done += static_cast<size_t>(n);
  }
  return done;
}

// The size of the whole lines that `data` begins with.
size_t WholeLines(absl::string_view data) {
  const size_t end = data.rfind('\n');
  return end == data.npos ? 0 : end + 1;
}

// Whether a file that could not be opened for this reason may be opened later.
bool MayPass(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EROFS:
    case EIO:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return true;
    default:
      return false;
  }
}

bool Exists(int folder, int number) { return base::ExistsAt(folder, FileName(number)); }

}  // namespace

RotatingFile::RotatingFile(base::UniqueFd folder, const Limits& limits)
    : folder_(std::move(folder)), limits_(limits) {}

absl::StatusOr<RotatingFile> RotatingFile::Open(int dirfd, const Limits& limits) {
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd folder, base::Duplicate(dirfd));
  RotatingFile file(std::move(folder), limits);
  if (const int error = file.OpenNewest(); error != 0 && !MayPass(error)) {
    return base::PosixError(error, FileName(0), "open");
  }
  for (int number = limits.max_files; number <= kMaxNumber; ++number) {
    if (::unlinkat(dirfd, FileName(number).c_str(), 0) != 0) break;
  }
  return file;
}

int RotatingFile::OpenNewest() {
  base::UniqueFd file(
      ::openat(folder_.get(), FileName(0).c_str(),
               O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600));
  struct stat st;
  if (!file.valid() || ::fstat(file.get(), &st) != 0) return errno;
  if (!S_ISREG(st.st_mode)) return EINVAL;
  char last = '\n';
  torn_ = st.st_size > 0 && ::pread(file.get(), &last, 1, st.st_size - 1) == 1 && last != '\n';
  size_ = st.st_size;
  file_ = std::move(file);
  return 0;
}

void RotatingFile::Append(absl::string_view lines) {
  while (!lines.empty()) {
    if (!file_.valid()) {
      if (const int error = OpenNewest(); error != 0) return Lose(lines, error);
    }
    size_t room = Room(lines);
    if (room == 0 && size_ > 0) {
      if (const int error = Rotate(); error != 0) return Lose(lines, error);
      continue;
    }
    if (room == 0) room = lines.find('\n') + 1;
    Store(lines.substr(0, room));
    lines.remove_prefix(room);
  }
}

size_t RotatingFile::Room(absl::string_view lines) {
  const auto fits = [&] {
    return limits_.max_size < 0 || size_ + static_cast<int64_t>(lines.size()) <= limits_.max_size;
  };
  if (fits()) return lines.size();
  // Somebody may have emptied it by hand.
  struct stat st;
  if (::fstat(file_.get(), &st) == 0 && st.st_size < size_) {
    size_ = st.st_size;
    torn_ = torn_ && size_ > 0;
  }
  if (fits()) return lines.size();
  const int64_t left = std::max<int64_t>(limits_.max_size - size_, 0);
  return WholeLines(lines.substr(0, static_cast<size_t>(left)));
}

int RotatingFile::Rotate() {
  // Only as far as there is no gap: a writer that was killed in here leaves one.
  int last = std::min(1, limits_.max_files - 1);
  while (last > 0 && last < limits_.max_files - 1 && Exists(folder_.get(), last)) ++last;
  if (last == 0 && ::unlinkat(folder_.get(), FileName(0).c_str(), 0) != 0 && errno != ENOENT) {
    return errno;
  }
  for (int number = last; number > 0; --number) {
    const int renamed = ::renameat(folder_.get(), FileName(number - 1).c_str(), folder_.get(),
                                   FileName(number).c_str());
    if (renamed != 0 && errno != ENOENT) return errno;
  }
  file_.Reset();
  return 0;
}

void RotatingFile::Store(absl::string_view lines) {
  int error = EndTornLine();
  if (error != 0) return Lose(lines, error);
  const size_t done = WriteSome(file_.get(), lines, &error);
  const size_t whole = WholeLines(lines.substr(0, done));
  size_ += static_cast<int64_t>(whole);
  if (done == lines.size()) return;
  if (whole != done && ::ftruncate(file_.get(), size_) != 0) {
    size_ += static_cast<int64_t>(done - whole);
    torn_ = true;
  }
  Lose(lines.substr(whole), error);
}

int RotatingFile::EndTornLine() {
  int error = 0;
  if (torn_ && WriteSome(file_.get(), "\n", &error) == 1) {
    torn_ = false;
    ++size_;
  }
  return error;
}

void RotatingFile::Lose(absl::string_view lines, int error) {
  loss_.lines += static_cast<uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
  loss_.error = error;
}

}  // namespace stave::log
