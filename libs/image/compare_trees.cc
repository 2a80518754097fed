// SPDX-License-Identifier: Apache-2.0
#include "libs/image/compare_trees.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/listing.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/rootpath/rootpath.h"

namespace stave::image {
namespace {

using base::UniqueFd;
using Xattrs = std::map<std::string, std::string>;

constexpr size_t kBuffer = 256 * 1024;
constexpr size_t kMaxXattr = 64 * 1024;  // XATTR_LIST_MAX and XATTR_SIZE_MAX

bool IsWhiteout(const struct stat& st) {
  return S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0);
}

const char* TypeName(const struct stat& st) {
  if (IsWhiteout(st)) return "a whiteout";
  switch (st.st_mode & S_IFMT) {
    case S_IFREG:
      return "a file";
    case S_IFDIR:
      return "a directory";
    case S_IFLNK:
      return "a symlink";
    case S_IFCHR:
      return "a character device";
    case S_IFBLK:
      return "a block device";
    case S_IFIFO:
      return "a FIFO";
    default:
      return "a socket";
  }
}

// What a security module or the machine sets by itself.
bool IsMachines(absl::string_view xattr) {
  return absl::StartsWith(xattr, "security.") && xattr != "security.capability";
}

absl::StatusOr<std::vector<std::string>> SortedNames(int dirfd, const std::string& path) {
  STAVE_ASSIGN_OR_RETURN(UniqueFd dir, base::OpenDirAt(dirfd, "."));
  auto names = base::ListNames(std::move(dir), base::Quoted(path));
  if (names.ok()) std::sort(names->begin(), names->end());
  return names;
}

// One of the two trees, at one entry.
struct Side {
  int dirfd = -1;  // of the directory that has it
  struct stat st = {};

  absl::StatusOr<bool> Stat(const std::string& name) {
    if (::fstatat(dirfd, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) return true;
    if (errno == ENOENT) return false;
    return base::PosixError(errno, base::Quoted(name), "stat");
  }
  std::string ProcPath(const std::string& name) const {
    return absl::StrCat("/proc/self/fd/", dirfd, "/", name);
  }
};

absl::StatusOr<Xattrs> ReadXattrs(const Side& side, const std::string& name) {
  Xattrs found;
  const std::string path = side.ProcPath(name);
  char few[1024];
  std::string list;
  ssize_t size = ::llistxattr(path.c_str(), few, sizeof few);
  if (size > 0) list.assign(few, static_cast<size_t>(size));
  if (size < 0 && errno == ERANGE) {
    list.resize(kMaxXattr);
    size = ::llistxattr(path.c_str(), list.data(), list.size());
    if (size >= 0) list.resize(static_cast<size_t>(size));
  }
  if (size < 0 && errno == EOPNOTSUPP) return found;
  if (size < 0) return base::PosixError(errno, base::Quoted(name), "list xattrs");
  std::string value;
  for (const absl::string_view xattr : absl::StrSplit(list, '\0', absl::SkipEmpty())) {
    if (IsMachines(xattr)) continue;
    value.resize(kMaxXattr);
    const std::string text(xattr);
    const ssize_t length = ::lgetxattr(path.c_str(), text.c_str(), value.data(), value.size());
    if (length < 0) return base::PosixError(errno, base::Printable(xattr), "read xattr");
    found[text] = value.substr(0, static_cast<size_t>(length));
  }
  return found;
}

absl::StatusOr<std::string> ReadTarget(const Side& side, const std::string& name) {
  std::string target(PATH_MAX, '\0');
  const ssize_t size = ::readlinkat(side.dirfd, name.c_str(), target.data(), target.size());
  if (size < 0) return base::PosixError(errno, base::Quoted(name), "readlink");
  target.resize(static_cast<size_t>(size));
  return target;
}

absl::StatusOr<UniqueFd> OpenFile(const Side& side, const std::string& name) {
  UniqueFd fd(::openat(side.dirfd, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return base::PosixError(errno, base::Quoted(name), "open");
  struct stat st;
  if (::fstat(fd.get(), &st) < 0) return base::PosixError(errno, base::Quoted(name), "stat");
  if (!S_ISREG(st.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(base::Quoted(name), ": is being changed"));
  }
  ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  return fd;
}

absl::StatusOr<size_t> Fill(int fd, std::string* buffer, absl::string_view noun) {
  size_t done = 0;
  while (done < buffer->size()) {
    const ssize_t got = ::read(fd, buffer->data() + done, buffer->size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::PosixError(errno, noun, "read");
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

class Comparer {
 public:
  Comparer(const std::function<bool(const std::string&)>& any_time, size_t max)
      : any_time_(any_time),
        max_(max),
        buffers_{std::string(kBuffer, 0), std::string(kBuffer, 0)} {}

  absl::StatusOr<Comparison> Run(int expected, int actual);

 private:
  absl::Status CompareFolder(const std::string& path);
  absl::Status CompareEntry(const std::string& name, const std::string& path);
  absl::Status CompareOf(const std::string& name, const std::string& path);
  absl::Status CompareAttributes(const std::string& name, const std::string& path);
  absl::Status CompareContent(const std::string& name, const std::string& path);
  absl::Status CompareXattrs(const std::string& name, const std::string& path);
  void CompareLinks(const std::string& path);
  void Tell(const std::string& path, std::string what, const char* word);

  const std::function<bool(const std::string&)>& any_time_;
  const size_t max_;
  std::string buffers_[2];
  Side expected_;
  Side actual_;
  std::vector<std::string> folders_;  // to be compared, the next one last
  // Of files with several names, the first that was met.
  std::map<ino_t, std::string> first_expected_;
  std::map<ino_t, std::string> first_actual_;
  Comparison result_;
};

void Comparer::Tell(const std::string& path, std::string what, const char* word) {
  if (result_.differences.size() < max_) {
    result_.differences.push_back({path, std::move(what), word});
  } else {
    ++result_.more;
  }
}

absl::Status Comparer::CompareAttributes(const std::string& name, const std::string& path) {
  const struct stat& is = actual_.st;
  const struct stat& should = expected_.st;
  if (is.st_mode != should.st_mode && !S_ISLNK(should.st_mode)) {
    Tell(
        path,
        absl::StrFormat("mode is %04o instead of %04o", is.st_mode & 07777, should.st_mode & 07777),
        "E_CHANGED");
  }
  if (is.st_uid != should.st_uid || is.st_gid != should.st_gid) {
    Tell(path,
         absl::StrCat("owner is ", is.st_uid, ":", is.st_gid, " instead of ", should.st_uid, ":",
                      should.st_gid),
         "E_CHANGED");
  }
  if ((S_ISCHR(should.st_mode) || S_ISBLK(should.st_mode)) && is.st_rdev != should.st_rdev) {
    Tell(path,
         absl::StrCat("device is ", major(is.st_rdev), ":", minor(is.st_rdev), " instead of ",
                      major(should.st_rdev), ":", minor(should.st_rdev)),
         "E_CHANGED");
  }
  return CompareXattrs(name, path);
}

absl::Status Comparer::CompareXattrs(const std::string& name, const std::string& path) {
  STAVE_ASSIGN_OR_RETURN(const Xattrs is, ReadXattrs(actual_, name));
  STAVE_ASSIGN_OR_RETURN(const Xattrs should, ReadXattrs(expected_, name));
  if (is == should) return absl::OkStatus();
  for (const auto& [xattr, value] : should) {
    const auto found = is.find(xattr);
    if (found == is.end()) {
      Tell(path, absl::StrCat("attribute ", xattr, " is missing"), "E_CHANGED");
    } else if (found->second != value) {
      Tell(path, absl::StrCat("attribute ", xattr, " differs"), "E_CHANGED");
    }
  }
  for (const auto& [xattr, value] : is) {
    if (should.count(xattr) == 0) {
      Tell(path, absl::StrCat("attribute ", xattr, " does not belong here"), "E_CHANGED");
    }
  }
  return absl::OkStatus();
}

absl::Status Comparer::CompareContent(const std::string& name, const std::string& path) {
  if (actual_.st.st_size != expected_.st.st_size) {
    Tell(path, absl::StrCat("has ", actual_.st.st_size, " bytes instead of ", expected_.st.st_size),
         "E_SIZE");
    return absl::OkStatus();
  }
  if (expected_.st.st_size == 0) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(const UniqueFd is, OpenFile(actual_, name));
  STAVE_ASSIGN_OR_RETURN(const UniqueFd should, OpenFile(expected_, name));
  for (;;) {
    STAVE_ASSIGN_OR_RETURN(const size_t left, Fill(is.get(), &buffers_[0], base::Quoted(path)));
    STAVE_ASSIGN_OR_RETURN(const size_t right,
                           Fill(should.get(), &buffers_[1], base::Quoted(path)));
    if (left != right || ::memcmp(buffers_[0].data(), buffers_[1].data(), left) != 0) {
      Tell(path, "content differs", "E_CONTENT");
      return absl::OkStatus();
    }
    if (left < kBuffer) return absl::OkStatus();
  }
}

// Two names are one file here as they are there.
void Comparer::CompareLinks(const std::string& path) {
  const struct stat& is = actual_.st;
  const struct stat& should = expected_.st;
  if (is.st_nlink != should.st_nlink) {
    Tell(path, absl::StrCat("has ", is.st_nlink, " links instead of ", should.st_nlink),
         "E_CHANGED");
    return;
  }
  if (should.st_nlink < 2) return;
  const std::string& first_is = first_actual_.try_emplace(is.st_ino, path).first->second;
  const std::string& first_should = first_expected_.try_emplace(should.st_ino, path).first->second;
  if (first_is != first_should) {
    Tell(path,
         absl::StrCat("is a link to ", base::Quoted(first_is), " instead of ",
                      base::Quoted(first_should)),
         "E_CHANGED");
  }
}

// Both are there.
absl::Status Comparer::CompareOf(const std::string& name, const std::string& path) {
  const struct stat& is = actual_.st;
  const struct stat& should = expected_.st;
  if ((is.st_mode & S_IFMT) != (should.st_mode & S_IFMT) || IsWhiteout(is) != IsWhiteout(should)) {
    Tell(path, absl::StrCat("is ", TypeName(is), " instead of ", TypeName(should)), "E_CHANGED");
    return absl::OkStatus();
  }
  if (S_ISREG(should.st_mode)) STAVE_RETURN_IF_ERROR(CompareContent(name, path));
  if (S_ISLNK(should.st_mode)) {
    STAVE_ASSIGN_OR_RETURN(const std::string target, ReadTarget(actual_, name));
    STAVE_ASSIGN_OR_RETURN(const std::string wanted, ReadTarget(expected_, name));
    if (target != wanted) {
      Tell(path,
           absl::StrCat("leads to ", base::Quoted(target), " instead of ", base::Quoted(wanted)),
           "E_CONTENT");
    }
  }
  STAVE_RETURN_IF_ERROR(CompareAttributes(name, path));
  if (!S_ISDIR(should.st_mode)) CompareLinks(path);
  const bool same_time =
      is.st_mtim.tv_sec == should.st_mtim.tv_sec && is.st_mtim.tv_nsec == should.st_mtim.tv_nsec;
  if (!same_time && !IsWhiteout(should) && !any_time_(path)) {
    Tell(path,
         absl::StrFormat("modification time is %d.%09d instead of %d.%09d", is.st_mtim.tv_sec,
                         is.st_mtim.tv_nsec, should.st_mtim.tv_sec, should.st_mtim.tv_nsec),
         "E_CHANGED");
  }
  if (S_ISDIR(should.st_mode) && path != ".") folders_.push_back(path);
  return absl::OkStatus();
}

absl::Status Comparer::CompareEntry(const std::string& name, const std::string& path) {
  STAVE_ASSIGN_OR_RETURN(const bool is, actual_.Stat(name));
  STAVE_ASSIGN_OR_RETURN(const bool should, expected_.Stat(name));
  if (is && should) return CompareOf(name, path);
  if (should) Tell(path, "is missing", "E_MISSING");
  if (is) Tell(path, "does not belong here", "E_EXTRA");
  return absl::OkStatus();
}

absl::Status Comparer::CompareFolder(const std::string& path) {
  STAVE_ASSIGN_OR_RETURN(std::vector<std::string> names, SortedNames(expected_.dirfd, path));
  STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> others, SortedNames(actual_.dirfd, path));
  names.insert(names.end(), others.begin(), others.end());
  std::inplace_merge(names.begin(), names.end() - static_cast<ptrdiff_t>(others.size()),
                     names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  const size_t known = folders_.size();
  for (const std::string& name : names) {
    STAVE_RETURN_IF_ERROR(CompareEntry(name, path == "." ? name : absl::StrCat(path, "/", name)));
  }
  // The first of them is compared next.
  std::reverse(folders_.begin() + static_cast<ptrdiff_t>(known), folders_.end());
  return absl::OkStatus();
}

absl::StatusOr<Comparison> Comparer::Run(int expected, int actual) {
  expected_.dirfd = expected;
  actual_.dirfd = actual;
  STAVE_RETURN_IF_ERROR(CompareEntry(".", "."));
  folders_.push_back(".");
  while (!folders_.empty()) {
    const std::string path = std::move(folders_.back());
    folders_.pop_back();
    const absl::string_view at = path == "." ? "" : absl::string_view(path);
    STAVE_ASSIGN_OR_RETURN(const UniqueFd should,
                           rootpath::OpenBeneath(expected, at, O_RDONLY | O_DIRECTORY));
    STAVE_ASSIGN_OR_RETURN(const UniqueFd is,
                           rootpath::OpenBeneath(actual, at, O_RDONLY | O_DIRECTORY));
    expected_.dirfd = should.get();
    actual_.dirfd = is.get();
    STAVE_RETURN_IF_ERROR(CompareFolder(path));
  }
  return std::move(result_);
}

}  // namespace

absl::StatusOr<Comparison> CompareTrees(int expected, int actual,
                                        const std::function<bool(const std::string&)>& any_time,
                                        size_t max) {
  return Comparer(any_time, max).Run(expected, actual);
}

}  // namespace stave::image
