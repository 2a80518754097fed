// SPDX-License-Identifier: Apache-2.0
#include "libs/base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "libs/base/posix.h"

namespace stave::base {
namespace {

bool SameFile(int fd, int dirfd, const std::string& name) {
  struct stat mine, there;
  return ::fstat(fd, &mine) == 0 &&
         ::fstatat(dirfd, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
         mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
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

absl::StatusOr<UniqueFd> LockFileAt(int dirfd, const std::string& name, LockMode mode) {
  for (;;) {
    UniqueFd fd(::openat(dirfd, name.c_str(),
                         O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
    if (!fd.valid()) return PosixError(errno, name, "open lock");
    while (::flock(fd.get(), mode == LockMode::kShared ? LOCK_SH : LOCK_EX) < 0) {
      if (errno != EINTR) return PosixError(errno, name, "lock");
    }
    if (SameFile(fd.get(), dirfd, name)) return fd;
  }
}

}  // namespace stave::base
