// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/copy_up.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/rootpath/rootpath.h"

namespace stave::runtime {
namespace {

constexpr int kDeepest = 256;
constexpr size_t kMostAttributes = size_t{64} << 10;

absl::Status CopyDirectory(int from, int to, int depth);

// Names and values that the destination does not take are left: a tmpfs may know fewer kinds.
void CopyAttributes(int from, int to) {
  std::string names(kMostAttributes, '\0'), value(kMostAttributes, '\0');
  const ssize_t size = ::flistxattr(from, names.data(), names.size());
  if (size <= 0) return;
  names.resize(static_cast<size_t>(size));
  for (const absl::string_view name : absl::StrSplit(names, '\0', absl::SkipEmpty())) {
    const std::string text(name);
    const ssize_t n = ::fgetxattr(from, text.c_str(), value.data(), value.size());
    if (n >= 0) ::fsetxattr(to, text.c_str(), value.data(), static_cast<size_t>(n), 0);
  }
}

absl::Status CopyOwner(int to, const struct stat& st) {
  if (::fchown(to, st.st_uid, st.st_gid) < 0) return base::PosixError(errno, "tmpcopyup", "chown");
  if (::fchmod(to, st.st_mode & 07777) < 0) return base::PosixError(errno, "tmpcopyup", "chmod");
  const timespec times[2] = {st.st_atim, st.st_mtim};
  if (::futimens(to, times) < 0) return base::PosixError(errno, "tmpcopyup", "set the times");
  return absl::OkStatus();
}

absl::Status CopyFile(int from, int to_dir, const char* name, const struct stat& st) {
  const base::UniqueFd to(
      ::openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!to.valid()) return base::PosixError(errno, name, "make");
  for (;;) {
    const ssize_t n = ::sendfile(to.get(), from, nullptr, 1 << 20);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::PosixError(errno, name, "copy");
    if (n == 0) break;
  }
  CopyAttributes(from, to.get());
  return CopyOwner(to.get(), st);
}

absl::Status CopySubdirectory(int from, int to_dir, const char* name, int depth) {
  if (::mkdirat(to_dir, name, 0700) < 0) return base::PosixError(errno, name, "mkdir");
  const base::UniqueFd to(::openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!to.valid()) return base::PosixError(errno, name, "open");
  return CopyDirectory(from, to.get(), depth);
}

absl::Status CopyLinkOrSpecial(int from_dir, int to_dir, const char* name, const struct stat& st) {
  int failed;
  if (S_ISLNK(st.st_mode)) {
    char target[PATH_MAX] = {};
    if (::readlinkat(from_dir, name, target, sizeof target - 1) < 0)
      return base::PosixError(errno, name, "readlink");
    failed = ::symlinkat(target, to_dir, name);
  } else {
    failed = ::mknodat(to_dir, name, st.st_mode, st.st_rdev);
  }
  if (failed < 0) return base::PosixError(errno, name, "make");
  if (::fchownat(to_dir, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0) {
    return base::PosixError(errno, name, "chown");
  }
  if (!S_ISLNK(st.st_mode) && ::fchmodat(to_dir, name, st.st_mode & 07777, 0) < 0) {
    return base::PosixError(errno, name, "chmod");
  }
  return absl::OkStatus();
}

absl::Status CopyEntry(int from_dir, int to_dir, const char* name, dev_t device, int depth) {
  struct stat st;
  if (::fstatat(from_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return base::PosixError(errno, name, "stat");
  if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)) {
    return CopyLinkOrSpecial(from_dir, to_dir, name, st);
  }
  const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const base::UniqueFd from(::openat(from_dir, name, flags));
  if (!from.valid() || ::fstat(from.get(), &st) < 0) return base::PosixError(errno, name, "open");
  if (S_ISREG(st.st_mode)) return CopyFile(from.get(), to_dir, name, st);
  return st.st_dev == device ? CopySubdirectory(from.get(), to_dir, name, depth) : absl::OkStatus();
}

absl::Status CopyDirectory(int from, int to, int depth) {
  struct stat st;
  if (::fstat(from, &st) < 0) return base::PosixError(errno, "tmpcopyup", "stat");
  if (depth > kDeepest) return absl::ResourceExhaustedError("tmpcopyup: too many levels");
  const int again = ::openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* entries = again < 0 ? nullptr : ::fdopendir(again);
  if (entries == nullptr) {
    if (again >= 0) ::close(again);
    return base::PosixError(errno, "tmpcopyup", "read the directory");
  }
  absl::Status status;
  while (const dirent* entry = status.ok() ? ::readdir(entries) : nullptr) {
    const absl::string_view name = entry->d_name;
    if (name != "." && name != "..")
      status = CopyEntry(from, to, entry->d_name, st.st_dev, depth + 1);
  }
  ::closedir(entries);
  STAVE_RETURN_IF_ERROR(status);
  CopyAttributes(from, to);
  return CopyOwner(to, st);
}

}  // namespace

absl::Status CopyUp(int root, absl::string_view path, int to) {
  const auto from = rootpath::OpenInRoot(root, path, O_RDONLY | O_DIRECTORY);
  if (absl::IsNotFound(from.status())) return absl::OkStatus();
  if (!from.ok()) return from.status();
  // What fsmount(2) gives is O_PATH: fchown(2) and the like need more.
  const base::UniqueFd writable(::openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!writable.valid()) return base::PosixError(errno, "tmpcopyup", "open");
  return CopyDirectory(from->get(), writable.get(), 0);
}

}  // namespace stave::runtime
