// SPDX-License-Identifier: Apache-2.0
#include "libs/base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <chrono>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>

#include "libs/base/posix.h"

namespace stave::base {
namespace {

constexpr std::chrono::milliseconds kPollTime(20);

bool SameFile(int fd, int dirfd, const std::string& name) {
  struct stat mine, there;
  return ::fstat(fd, &mine) == 0 &&
         ::fstatat(dirfd, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
         mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
}

// Gives the notice unless it is gone before.
class Waiting {
 public:
  Waiting(int fd, const LockNotice& notice) : thread_([this, fd, &notice] { Wait(fd, notice); }) {}
  ~Waiting() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      over_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

 private:
  void Wait(int fd, const LockNotice& notice) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (changed_.wait_for(lock, std::chrono::seconds(kLockNotice), [this] { return over_; }))
      return;
    notice(LockHolder(fd));
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread thread_;  // the last: it uses the others
};

// flock(2); 0, or an errno.
int Flock(int fd, LockMode mode, const LockNotice& notice) {
  const int operation = mode == LockMode::kShared ? LOCK_SH : LOCK_EX;
  std::optional<Waiting> waiting;
  if (notice != nullptr) {
    if (::flock(fd, operation | LOCK_NB) == 0) return 0;
    if (errno == EWOULDBLOCK) waiting.emplace(fd, notice);
  }
  while (::flock(fd, operation) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

// The same with looks in between, as nothing ends a flock(2) of one thread; ECANCELED.
int PollLock(int fd, LockMode mode, const LockNotice& notice, const LockCancelled& cancelled) {
  const int operation = (mode == LockMode::kShared ? LOCK_SH : LOCK_EX) | LOCK_NB;
  const auto due = std::chrono::steady_clock::now() + std::chrono::seconds(kLockNotice);
  bool told = notice == nullptr;
  while (::flock(fd, operation) < 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return errno;
    if (cancelled()) return ECANCELED;
    if (!told && std::chrono::steady_clock::now() >= due) {
      notice(LockHolder(fd));
      told = true;
    }
    std::this_thread::sleep_for(kPollTime);
  }
  return 0;
}

}  // namespace

absl::StatusOr<std::optional<UniqueFd>> TryLockFileAt(int dirfd, const std::string& name,
                                                      LockMode mode) {
  for (;;) {
    UniqueFd fd(::openat(dirfd, name.c_str(),
                         O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
    if (!fd.valid()) return PosixError(errno, name, "open lock");
    if (::flock(fd.get(), (mode == LockMode::kShared ? LOCK_SH : LOCK_EX) | LOCK_NB) < 0) {
      if (errno == EWOULDBLOCK) return std::optional<UniqueFd>();
      if (errno == EINTR) continue;
      return PosixError(errno, name, "lock");
    }
    if (SameFile(fd.get(), dirfd, name)) return std::optional<UniqueFd>(std::move(fd));
  }
}

absl::StatusOr<UniqueFd> LockFileAt(int dirfd, const std::string& name, LockMode mode,
                                    const LockNotice& notice, const LockCancelled& cancelled) {
  for (;;) {
    UniqueFd fd(::openat(dirfd, name.c_str(),
                         O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
    if (!fd.valid()) return PosixError(errno, name, "open lock");
    const int error = cancelled == nullptr ? Flock(fd.get(), mode, notice)
                                           : PollLock(fd.get(), mode, notice, cancelled);
    if (error == ECANCELED) return absl::CancelledError(name + ": lock: no longer wanted");
    if (error != 0) return PosixError(error, name, "lock");
    if (SameFile(fd.get(), dirfd, name)) return fd;
  }
}

pid_t LockHolder(int fd) {
  struct stat st;
  if (::fstat(fd, &st) < 0) return 0;
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    // "3: FLOCK  ADVISORY  WRITE 708 08:01:393246 0 EOF"; who waits has "3: -> FLOCK ..".
    int pid = 0;
    unsigned major = 0, minor = 0;
    unsigned long inode = 0;
    const int found =
        ::sscanf(line.c_str(), "%*d: FLOCK %*s %*s %d %x:%x:%lu", &pid, &major, &minor, &inode);
    // The device is that of the file system, which not every one shows in stat(2).
    if (found == 4 && inode == st.st_ino) return pid > 0 ? pid : 0;
  }
  return 0;
}

}  // namespace stave::base
