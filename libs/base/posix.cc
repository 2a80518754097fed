// SPDX-License-Identifier: Apache-2.0
#include "libs/base/posix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"

namespace stave::base {
namespace {

const char* WordOf(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "E_NO_SPACE";
    case EMFILE:
    case ENFILE:
      return "E_NO_FILES";
    case ENOMEM:
      return "E_NO_MEMORY";
    case EIO:
      return "E_IO";
    case EPIPE:
      return "E_PIPE";
    case EROFS:
      return "E_READ_ONLY";
    case ELOOP:
      return "E_LOOP";
    default:
      return nullptr;
  }
}

// Below a directory that is given as a descriptor no symlink is followed: what lies there may have
// been put by somebody else, and the way must not lead out of it.
UniqueFd OpenAt(int dirfd, const std::string& path, int flags) {
  open_how how = {};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  if (dirfd != AT_FDCWD && !absl::StartsWith(path, "/")) {
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  }
  int fd;
  do {
    fd = static_cast<int>(::syscall(SYS_openat2, dirfd, path.c_str(), &how, sizeof how));
  } while (fd < 0 && errno == EINTR);
  return UniqueFd(fd);
}

// The folder that `path` is in, and its last name there.
struct Place {
  UniqueFd folder;  // invalid: `dirfd` itself, and the whole path is the name
  std::string name;
  int At(int dirfd) const { return folder.valid() ? folder.get() : dirfd; }
};

absl::StatusOr<Place> FindPlace(int dirfd, const std::string& path) {
  const size_t slash = path.rfind('/');
  if (dirfd == AT_FDCWD || slash == std::string::npos || slash == 0) return Place{{}, path};
  Place place{OpenAt(dirfd, path.substr(0, slash), O_PATH | O_DIRECTORY), path.substr(slash + 1)};
  if (!place.folder.valid()) return PosixError(errno, path, "open the folder of");
  return place;
}

// A pipe that somebody else has made non-blocking. False, with errno, if it cannot be waited for.
bool WaitFor(int fd, short what) {
  pollfd waiting = {fd, what, 0};
  return ::poll(&waiting, 1, -1) >= 0 || errno == EINTR;
}

struct Listing {
  std::vector<std::string> directories, others;
};

absl::StatusOr<Listing> ListAt(const UniqueFd& dir, const std::string& noun) {
  const int copy = ::fcntl(dir.get(), F_DUPFD_CLOEXEC, 3);
  DIR* stream = copy < 0 ? nullptr : ::fdopendir(copy);
  if (stream == nullptr) {
    const int error = errno;
    if (copy >= 0) ::close(copy);
    return PosixError(error, noun, "list");
  }
  Listing found;
  while (const dirent* entry = ::readdir(stream)) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    (entry->d_type == DT_DIR ? found.directories : found.others).push_back(name);
  }
  ::closedir(stream);
  return found;
}

// A stack of open directories, not recursion: a payload can nest them as deep as it likes.
class TreeRemover {
 public:
  explicit TreeRemover(int dirfd) : dirfd_(dirfd) {}

  absl::Status Run(const std::string& name) {
    Enter(dirfd_, name);
    while (!stack_.empty()) {
      if (stack_.back().todo.empty()) {
        Leave();
        continue;
      }
      const std::string child = std::move(stack_.back().todo.back());
      stack_.back().todo.pop_back();
      const int parent = stack_.back().dir.get();
      if (stack_.size() < kMaxOpen || !MoveUp(parent, child)) Enter(parent, child);
    }
    return first_;
  }

 private:
  static constexpr size_t kMaxOpen = 100;

  struct Frame {
    UniqueFd dir;
    std::string name;  // in its parent
    std::vector<std::string> todo;
  };

  void Note(absl::Status status) {
    if (first_.ok()) first_ = std::move(status);
  }

  // Opens the directory and removes what is none in it.
  void Enter(int parent, const std::string& name) {
    open_how how = {};
    how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    how.resolve = stack_.empty() ? 0 : RESOLVE_NO_XDEV;  // the way to the top may cross mounts
    UniqueFd dir(static_cast<int>(::syscall(SYS_openat2, parent, name.c_str(), &how, sizeof how)));
    if (!dir.valid()) return Note(PosixError(errno, name, "open directory"));
    auto listing = ListAt(dir, name);
    if (!listing.ok()) return Note(listing.status());
    for (const std::string& other : listing->others) {
      if (::unlinkat(dir.get(), other.c_str(), 0) == 0 || errno == ENOENT) continue;
      if (errno == EISDIR) {
        listing->directories.push_back(other);
      } else {
        Note(PosixError(errno, other, "unlink"));
      }
    }
    stack_.push_back({std::move(dir), name, std::move(listing->directories)});
  }

  void Leave() {
    const std::string name = std::move(stack_.back().name);
    stack_.pop_back();
    const int parent = stack_.empty() ? dirfd_ : stack_.back().dir.get();
    if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) < 0 && errno != ENOENT) {
      Note(PosixError(errno, name, "rmdir"));
    }
  }

  // Spares a descriptor for each level: what lies too deep is dealt with from the top again.
  bool MoveUp(int parent, const std::string& name) {
    for (;;) {
      std::string above = absl::StrCat(".deep.", moved_++);
      if (::renameat2(parent, name.c_str(), stack_.front().dir.get(), above.c_str(),
                      RENAME_NOREPLACE) == 0) {
        stack_.front().todo.push_back(std::move(above));
        return true;
      }
      if (errno != EEXIST) return false;
    }
  }

  int dirfd_;
  std::vector<Frame> stack_;
  size_t moved_ = 0;
  absl::Status first_;
};

}  // namespace

absl::Status PosixError(int error, absl::string_view noun, absl::string_view act) {
  const std::string message =
      absl::StrCat(Printable(noun, 512), ": ", act, ": ", ::strerror(error));
  const absl::StatusCode code = absl::ErrnoToStatusCode(error);
  if (const char* word = WordOf(error)) return Error(code, word, message);
  // The kernel's EINVAL is not the user's wrong usage.
  if (code == absl::StatusCode::kInvalidArgument || code == absl::StatusCode::kOutOfRange) {
    return Error(code, "E_INVALID", message);
  }
  return absl::Status(code, message);
}

absl::StatusOr<UniqueFd> OpenDirAt(int dirfd, const std::string& path) {
  UniqueFd fd = OpenAt(dirfd, path, O_RDONLY | O_DIRECTORY);
  if (!fd.valid()) return PosixError(errno, path, "open directory");
  return fd;
}

absl::StatusOr<UniqueFd> OpenRegularAt(int dirfd, const std::string& path) {
  UniqueFd fd = OpenAt(dirfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd.valid()) return PosixError(errno, path, "open");
  struct stat st;
  if (::fstat(fd.get(), &st) < 0) return PosixError(errno, path, "stat");
  if (!S_ISREG(st.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(Printable(path), ": is not a regular file"));
  }
  return fd;
}

absl::StatusOr<std::string> ReadAll(int fd, size_t max, absl::string_view noun) {
  // Most of what is read is one small file: nothing is allocated for more than there is.
  char buffer[4096];
  std::string text;
  for (;;) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && (errno == EINTR || (errno == EAGAIN && WaitFor(fd, POLLIN)))) continue;
    if (n < 0) return PosixError(errno, noun, "read");
    if (n == 0) return text;
    text.append(buffer, static_cast<size_t>(n));
    if (text.size() > max) {
      return Error(absl::StatusCode::kResourceExhausted, "E_LIMIT",
                   absl::StrCat(noun, ": more than ", max, " bytes"));
    }
  }
}

bool ExistsAt(int dirfd, const std::string& path) {
  struct stat st;
  return dirfd != -1 && ::fstatat(dirfd, path.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0;
}

absl::StatusOr<std::string> ReadFileAt(int dirfd, const std::string& path, size_t max) {
  STAVE_ASSIGN_OR_RETURN(const UniqueFd fd, OpenRegularAt(dirfd, path));
  return ReadAll(fd.get(), max, path);
}

absl::Status WriteAll(int fd, absl::string_view data, absl::string_view noun) {
  while (!data.empty()) {
    const ssize_t n = ::write(fd, data.data(), data.size());
    if (n < 0 && (errno == EINTR || (errno == EAGAIN && WaitFor(fd, POLLOUT)))) continue;
    if (n < 0) return PosixError(errno, noun, "write");
    data.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

absl::Status WriteFileAt(int dirfd, const std::string& path, absl::string_view value) {
  const UniqueFd fd = OpenAt(dirfd, path, O_WRONLY | O_NOFOLLOW);
  if (!fd.valid()) return PosixError(errno, path, "open");
  return WriteValue(fd.get(), path, value);
}

absl::Status WriteValue(int fd, const std::string& path, absl::string_view value) {
  ssize_t n;
  do {
    n = ::write(fd, value.data(), value.size());
  } while (n < 0 && errno == EINTR);
  if (n < 0) {
    return PosixError(errno, path, absl::StrCat("write \"", Printable(value, 64), "\""));
  }
  if (static_cast<size_t>(n) != value.size()) {
    return absl::DataLossError(absl::StrCat(path, ": short write"));
  }
  return absl::OkStatus();
}

absl::Status MakeDirAt(int dirfd, const std::string& path, mode_t mode) {
  STAVE_ASSIGN_OR_RETURN(const Place place, FindPlace(dirfd, path));
  const int at = place.At(dirfd);
  const char* name = place.name.c_str();
  if (::mkdirat(at, name, mode) == 0) {
    if (::fchmodat(at, name, mode, 0) < 0) return PosixError(errno, path, "chmod");
    return absl::OkStatus();
  }
  if (errno != EEXIST) return PosixError(errno, path, "mkdir");
  struct stat st;
  const int flags = dirfd == AT_FDCWD ? 0 : AT_SYMLINK_NOFOLLOW;
  if (::fstatat(at, name, &st, flags) < 0) return PosixError(errno, path, "stat");
  if (!S_ISDIR(st.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": is not a directory"));
  }
  return absl::OkStatus();
}

absl::StatusOr<UniqueFd> Duplicate(int fd) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!copy.valid()) return PosixError(errno, absl::StrCat("descriptor ", fd), "duplicate");
  return copy;
}

absl::Status RemoveTreeAt(int dirfd, const std::string& name) {
  const absl::StatusOr<Place> place = FindPlace(dirfd, name);
  if (absl::IsNotFound(place.status())) return absl::OkStatus();
  if (!place.ok()) return place.status();
  const int at = place->At(dirfd);
  if (::unlinkat(at, place->name.c_str(), 0) == 0 || errno == ENOENT) return absl::OkStatus();
  if (errno != EISDIR && errno != EPERM) return PosixError(errno, name, "unlink");
  return TreeRemover(at).Run(place->name);
}

}  // namespace stave::base
