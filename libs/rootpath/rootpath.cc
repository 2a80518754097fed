// SPDX-License-Identifier: Apache-2.0
#include "libs/rootpath/rootpath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"

namespace stave::rootpath {
namespace {

using base::UniqueFd;

constexpr uint64_t kInRoot = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
constexpr uint64_t kBeneath = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
constexpr int kMaxLinks = 40;    // as the kernel's MAXSYMLINKS
constexpr int kMaxRaces = 1000;  // EAGAIN needs a rename somewhere on the machine each time
constexpr size_t kPiece = PATH_MAX - 256;

// -1 and errno, like open(2).
int TryOpen(int dirfd, const std::string& path, int flags, uint64_t resolve) {
  open_how how = {};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.resolve = resolve;
  for (int races = 0;; ++races) {
    const long fd =
        ::syscall(SYS_openat2, dirfd, path.empty() ? "." : path.c_str(), &how, sizeof(how));
    if (fd >= 0) return static_cast<int>(fd);
    if (errno != EINTR && (errno != EAGAIN || races >= kMaxRaces)) return -1;
  }
}

absl::Status OpenError(int error, absl::string_view path) {
  const std::string noun = base::Printable(path);
  if (error == ELOOP) {
    return absl::FailedPreconditionError(absl::StrCat(noun, ": leads through a symbolic link"));
  }
  if (error == EXDEV) {
    return absl::FailedPreconditionError(absl::StrCat(noun, ": leads out of its root"));
  }
  return base::PosixError(error, noun, "open");
}

absl::string_view WithoutLeadingSlashes(absl::string_view path) {
  while (!path.empty() && path.front() == '/') path.remove_prefix(1);
  return path;
}

// Opens each directory of a path in turn, makes the missing ones, and expands links itself: the
// kernel would not tell where a dangling link points.
class DirMaker {
 public:
  DirMaker(int rootfd, absl::string_view path, mode_t mode)
      : rootfd_(rootfd), path_(path), mode_(mode) {
    Push(path);
  }

  absl::StatusOr<UniqueFd> Run() {
    while (!todo_.empty()) {
      const std::string name = std::move(todo_.back());
      todo_.pop_back();
      if (name == "..") {
        if (!stack_.empty()) stack_.pop_back();
      } else {
        STAVE_RETURN_IF_ERROR(Step(name));
      }
    }
    return OpenBeneath(Top(), ".", O_RDONLY | O_DIRECTORY);
  }

 private:
  int Top() const { return stack_.empty() ? rootfd_ : stack_.back().get(); }

  void Push(absl::string_view path) {
    const std::vector<std::string> names = absl::StrSplit(path, '/', absl::SkipEmpty());
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
      if (*name != ".") todo_.push_back(*name);
    }
  }

  absl::Status Step(const std::string& name) {
    const auto open = [&] {
      return UniqueFd(TryOpen(Top(), name, O_PATH | O_DIRECTORY | O_NOFOLLOW, kBeneath));
    };
    UniqueFd dir = open();
    if (!dir.valid() && errno == ENOENT) {
      if (::mkdirat(Top(), name.c_str(), mode_) == 0) {
        // Whatever the umask.
        dir = UniqueFd(TryOpen(Top(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, kBeneath));
        if (dir.valid() && ::fchmod(dir.get(), mode_) < 0) {
          return base::PosixError(errno, base::Printable(path_), "chmod");
        }
      } else if (errno != EEXIST) {
        return base::PosixError(errno, base::Printable(path_), "mkdir");
      } else {
        dir = open();
      }
    }
    if (dir.valid()) {
      stack_.push_back(std::move(dir));
      return absl::OkStatus();
    }
    if (errno != ENOTDIR && errno != ELOOP) return OpenError(errno, path_);
    return Expand(name);
  }

  absl::Status Expand(const std::string& name) {
    char target[PATH_MAX];
    const ssize_t length = ::readlinkat(Top(), name.c_str(), target, sizeof(target));
    if (length < 0) {
      return absl::FailedPreconditionError(absl::StrCat(
          base::Printable(path_), ": \"", base::Printable(name), "\" is not a directory"));
    }
    if (++links_ > kMaxLinks) {
      return absl::FailedPreconditionError(
          absl::StrCat(base::Printable(path_), ": too many symbolic links"));
    }
    const absl::string_view text(target, static_cast<size_t>(length));
    if (!text.empty() && text.front() == '/') stack_.clear();
    Push(text);
    return absl::OkStatus();
  }

  int rootfd_;
  absl::string_view path_;
  mode_t mode_;
  std::vector<UniqueFd> stack_;    // the directories below the root that lead to where we are
  std::vector<std::string> todo_;  // components still to come, last first
  int links_ = 0;
};

// The common case, in four system calls: only the last component is missing. -1: it is another.
UniqueFd MakeLast(int rootfd, absl::string_view path, mode_t mode) {
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos) return UniqueFd();
  const std::string name(path.substr(slash + 1));
  if (name == "." || name == "..") return UniqueFd();
  const std::string above = slash == 0 ? "." : std::string(path.substr(0, slash));
  const UniqueFd parent(TryOpen(rootfd, above, O_PATH | O_DIRECTORY, kInRoot));
  if (!parent.valid() || ::mkdirat(parent.get(), name.c_str(), mode) < 0) return UniqueFd();
  UniqueFd made(TryOpen(parent.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, kBeneath));
  if (made.valid() && ::fchmod(made.get(), mode) < 0) made.Reset();
  return made;
}

}  // namespace

absl::StatusOr<UniqueFd> OpenInRoot(int rootfd, absl::string_view path, int flags) {
  UniqueFd fd(TryOpen(rootfd, std::string(path), flags, kInRoot));
  if (fd.valid()) return fd;
  // Links are allowed here, unless the last one may not be followed: the rest are too many.
  if (errno == ELOOP && (flags & O_NOFOLLOW) == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(base::Printable(path), ": too many symbolic links"));
  }
  return OpenError(errno, path);
}

absl::StatusOr<UniqueFd> OpenBeneath(int rootfd, absl::string_view path, int flags) {
  absl::string_view rest = WithoutLeadingSlashes(path);
  UniqueFd base;
  while (rest.size() > kPiece) {
    const size_t slash = rest.rfind('/', kPiece);
    if (slash == absl::string_view::npos) return OpenError(ENAMETOOLONG, path);
    base = UniqueFd(TryOpen(base.valid() ? base.get() : rootfd, std::string(rest.substr(0, slash)),
                            O_PATH | O_DIRECTORY, kBeneath));
    if (!base.valid()) return OpenError(errno, path);
    rest = WithoutLeadingSlashes(rest.substr(slash));
  }
  UniqueFd fd(TryOpen(base.valid() ? base.get() : rootfd, std::string(rest), flags, kBeneath));
  if (!fd.valid()) return OpenError(errno, path);
  return fd;
}

absl::StatusOr<UniqueFd> MakeDirsInRoot(int rootfd, absl::string_view path, mode_t mode) {
  UniqueFd there(TryOpen(rootfd, std::string(path), O_RDONLY | O_DIRECTORY, kInRoot));
  if (there.valid()) return there;
  if (errno == ENOENT) there = MakeLast(rootfd, path, mode);
  if (there.valid()) return there;
  return DirMaker(rootfd, path, mode).Run();
}

absl::StatusOr<UniqueFd> MakeFileInRoot(int rootfd, absl::string_view path, mode_t mode) {
  UniqueFd there(TryOpen(rootfd, std::string(path), O_PATH, kInRoot));
  const int error = errno;
  if (!there.valid() && error != ENOENT) return OpenError(error, path);
  if (!there.valid()) {
    while (!path.empty() && path.back() == '/') path.remove_suffix(1);
    const size_t slash = path.rfind('/');
    const bool at_top = slash == absl::string_view::npos;
    const absl::string_view parent = at_top ? "" : path.substr(0, slash);
    const std::string name(at_top ? path : path.substr(slash + 1));
    if (name.empty() || name == "." || name == "..") return OpenError(EISDIR, path);
    STAVE_ASSIGN_OR_RETURN(const UniqueFd dir, MakeDirsInRoot(rootfd, parent, 0755));
    const UniqueFd made(::openat(dir.get(), name.c_str(),
                                 O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, mode));
    if (!made.valid() && errno != EEXIST) {
      return base::PosixError(errno, base::Printable(path), "create");
    }
    if (made.valid() && ::fchmod(made.get(), mode) < 0) {
      return base::PosixError(errno, base::Printable(path), "chmod");
    }
    there = UniqueFd(TryOpen(dir.get(), name, O_PATH | O_NOFOLLOW, kBeneath));
    if (!there.valid()) return OpenError(errno, path);
  }
  struct stat st;
  if (::fstat(there.get(), &st) < 0) return base::PosixError(errno, base::Printable(path), "stat");
  if (S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(base::Printable(path),
                     S_ISDIR(st.st_mode) ? ": is a directory" : ": is a dangling symbolic link"));
  }
  return there;
}

}  // namespace stave::rootpath
