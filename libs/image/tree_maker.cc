// SPDX-License-Identifier: Apache-2.0
#include "libs/image/tree_maker.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/image/xattr.h"
#include "libs/rootpath/rootpath.h"

namespace stave::image {
namespace {

using archive::TarEntry;
using archive::TarType;
using base::UniqueFd;

absl::Status ErrnoOf(const TarEntry& entry, absl::string_view act) {
  return base::PosixError(errno, base::Quoted(entry.path), act);
}

// "a/b/c" -> "a/b" and "c"; "c" -> "." and "c".
std::pair<absl::string_view, absl::string_view> Split(absl::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos) return {".", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

mode_t FileType(TarType type) {
  switch (type) {
    case TarType::kSymlink:
      return S_IFLNK;
    case TarType::kCharDevice:
      return S_IFCHR;
    case TarType::kBlockDevice:
      return S_IFBLK;
    case TarType::kFifo:
      return S_IFIFO;
    default:
      return S_IFREG;
  }
}

absl::Status WriteContent(const TarEntry& entry, EntryData* data, int fd) {
  uint64_t at = 0;
  while (data != nullptr) {
    STAVE_ASSIGN_OR_RETURN(const absl::string_view piece, data->ReadData());
    if (piece.empty()) break;
    if (data->position() != at && ::lseek(fd, static_cast<off_t>(data->position()), SEEK_SET) < 0) {
      return ErrnoOf(entry, "seek");
    }
    STAVE_RETURN_IF_ERROR(base::WriteAll(fd, piece, base::Quoted(entry.path)));
    at = data->position() + piece.size();
  }
  if (at != entry.size && ::ftruncate(fd, static_cast<off_t>(entry.size)) < 0) {
    return ErrnoOf(entry, "make a hole");
  }
  return absl::OkStatus();
}

// Owner, then mode, which a change of owner cuts.
absl::Status SetOwnerAndMode(const TarEntry& entry, int fd) {
  if (::fchown(fd, entry.uid, entry.gid) < 0) return ErrnoOf(entry, "chown");
  if (::fchmod(fd, entry.mode) < 0) return ErrnoOf(entry, "chmod");
  return absl::OkStatus();
}

// Whether a mount begins at that name. In a mount namespace that is not its own the kernel would
// remove such a name without a word, and the mount with it, also where the mount is in use.
bool IsMountPoint(int dirfd, const char* name) {
  struct statx st {};
  return ::statx(dirfd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &st) == 0 &&
         (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

// The file that a mount covers, empty.
absl::StatusOr<UniqueFd> OpenCovered(const TarEntry& entry, int dirfd, const char* name) {
  UniqueFd file(::openat(dirfd, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat st;
  if (!file.valid() || ::fstat(file.get(), &st) < 0) return ErrnoOf(entry, "open");
  if (!S_ISREG(st.st_mode)) return base::PosixError(EBUSY, base::Quoted(entry.path), "replace");
  if (::ftruncate(file.get(), 0) < 0) return ErrnoOf(entry, "truncate");
  return file;
}

}  // namespace

void TreeMaker::Omit(const TarEntry& entry, absl::string_view why) {
  omitted_.insert(entry.path);
  if (tell_ != nullptr) tell_(absl::StrCat(base::Quoted(entry.path), ": ", why));
}

absl::StatusOr<int> TreeMaker::OpenParent(absl::string_view path) {
  if (path == ".") return place_.top;
  if (parent_.valid() && parent_path_ == path) return parent_.get();
  auto opened = rootpath::OpenBeneath(place_.top, path, O_RDONLY | O_DIRECTORY);
  if (!opened.ok() && place_.link_root >= 0 &&
      (absl::IsNotFound(opened.status()) || absl::IsFailedPrecondition(opened.status()))) {
    opened = rootpath::MakeDirsInRoot(place_.link_root,
                                      absl::StrCat(place_.path_in_root, "/", path), 0755);
  }
  if (!opened.ok()) return opened.status();
  parent_ = *std::move(opened);
  parent_path_ = std::string(path);
  return parent_.get();
}

absl::Status TreeMaker::Take(const TarEntry& entry, EntryData* data) {
  if (entry.path == ".") {
    if (entry.type == TarType::kDirectory) return absl::OkStatus();
    return base::Error(absl::StatusCode::kInvalidArgument, "E_TAR", "the root must be a directory");
  }
  const auto [parent, last] = Split(entry.path);
  STAVE_ASSIGN_OR_RETURN(const int dirfd, OpenParent(parent));
  const std::string name(last);
  const Spot spot = {dirfd, name.c_str()};
  switch (entry.type) {
    case TarType::kDirectory:
      return MakeDirectory(entry, spot);
    case TarType::kFile:
      return MakeFile(entry, spot, data);
    case TarType::kHardLink:
      return MakeHardLink(entry, spot);
    default:
      return MakeSpecial(entry, spot);
  }
}

// Removes what bears the name, but no directory. `busy`, if not nullptr: that a mount is in the
// way.
absl::Status TreeMaker::MakeRoom(const TarEntry& entry, const Spot& spot, bool* busy) {
  struct stat st;
  if (::fstatat(spot.dirfd, spot.name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
    return errno == ENOENT ? absl::OkStatus() : ErrnoOf(entry, "stat");
  }
  if (S_ISDIR(st.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "cannot overwrite directory ", base::Quoted(absl::StrCat(place_.noun, "/", entry.path)),
        " with non-directory ", base::Quoted(place_.noun)));
  }
  const bool mounted = IsMountPoint(spot.dirfd, spot.name);
  if (!mounted && (::unlinkat(spot.dirfd, spot.name, 0) == 0 || errno == ENOENT)) {
    return absl::OkStatus();
  }
  if (mounted) errno = EBUSY;
  if (errno == EBUSY && busy != nullptr) {
    *busy = true;
    return absl::OkStatus();
  }
  return ErrnoOf(entry, "replace");
}

absl::Status TreeMaker::MakeDirectory(const TarEntry& entry, const Spot& spot) {
  if (::mkdirat(spot.dirfd, spot.name, 0700) < 0 && errno != EEXIST) return ErrnoOf(entry, "mkdir");
  const UniqueFd made(
      ::openat(spot.dirfd, spot.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!made.valid() && (errno == ENOTDIR || errno == ELOOP)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "cannot overwrite non-directory ", base::Quoted(absl::StrCat(place_.noun, "/", entry.path)),
        " with directory ", base::Quoted(place_.noun)));
  }
  struct stat st;
  if (!made.valid() || ::fstat(made.get(), &st) < 0) return ErrnoOf(entry, "open");
  STAVE_RETURN_IF_ERROR(SetOwnerAndMode(entry, made.get()));
  STAVE_RETURN_IF_ERROR(SetXattrs(made.get(), entry));
  times_.push_back({entry.path, st.st_dev, st.st_ino, entry.mtime});
  return absl::OkStatus();
}

absl::Status TreeMaker::MakeFile(const TarEntry& entry, const Spot& spot, EntryData* data) {
  bool busy = false;
  STAVE_RETURN_IF_ERROR(MakeRoom(entry, spot, &busy));
  UniqueFd file;
  if (busy) {
    STAVE_ASSIGN_OR_RETURN(file, OpenCovered(entry, spot.dirfd, spot.name));
  } else {
    file = UniqueFd(::openat(spot.dirfd, spot.name,
                             O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.valid()) return ErrnoOf(entry, "create");
  }
  STAVE_RETURN_IF_ERROR(WriteContent(entry, data, file.get()));
  STAVE_RETURN_IF_ERROR(SetOwnerAndMode(entry, file.get()));
  STAVE_RETURN_IF_ERROR(SetXattrs(file.get(), entry));
  const timespec times[2] = {{0, UTIME_OMIT}, entry.mtime};
  return ::futimens(file.get(), times) < 0 ? ErrnoOf(entry, "set times") : absl::OkStatus();
}

absl::Status TreeMaker::MakeHardLink(const TarEntry& entry, const Spot& spot) {
  if (omitted_.contains(entry.link)) {
    Omit(entry, "is a link to something that was left out");
    return absl::OkStatus();
  }
  if (entry.link == entry.path) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(const UniqueFd there, base::Duplicate(spot.dirfd));
  const auto [parent, name] = Split(entry.link);
  STAVE_ASSIGN_OR_RETURN(const int from, OpenParent(parent));
  STAVE_RETURN_IF_ERROR(MakeRoom(entry, {there.get(), spot.name}, nullptr));
  if (::linkat(from, std::string(name).c_str(), there.get(), spot.name, 0) < 0) {
    return ErrnoOf(entry, absl::StrCat("link to ", base::Quoted(entry.link)));
  }
  return absl::OkStatus();
}

absl::Status TreeMaker::MakeSpecial(const TarEntry& entry, const Spot& spot) {
  const mode_t type = FileType(entry.type);
  if (type == S_IFCHR && entry.device_major == 0 && entry.device_minor == 0) {
    Omit(entry, "a char device 0:0 would be a whiteout; it was left out");
    return absl::OkStatus();
  }
  STAVE_RETURN_IF_ERROR(MakeRoom(entry, spot, nullptr));
  const int made = type == S_IFLNK ? ::symlinkat(entry.link.c_str(), spot.dirfd, spot.name)
                                   : ::mknodat(spot.dirfd, spot.name, type | (entry.mode & 0777),
                                               makedev(entry.device_major, entry.device_minor));
  if (made < 0) return ErrnoOf(entry, type == S_IFLNK ? "symlink" : "mknod");
  // It may have been exchanged already: attributes go to what has been seen to be of that type.
  const UniqueFd node(::openat(spot.dirfd, spot.name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat st;
  if (!node.valid() || ::fstat(node.get(), &st) < 0) return ErrnoOf(entry, "open");
  if ((st.st_mode & S_IFMT) != type || st.st_nlink != 1) {
    return absl::FailedPreconditionError(
        absl::StrCat(base::Quoted(entry.path), ": is being changed"));
  }
  if (::fchownat(node.get(), "", entry.uid, entry.gid, AT_EMPTY_PATH) < 0) {
    return ErrnoOf(entry, "chown");
  }
  const timespec times[2] = {{0, UTIME_OMIT}, entry.mtime};
  if (::utimensat(node.get(), "", times, AT_EMPTY_PATH) < 0) return ErrnoOf(entry, "set times");
  return absl::OkStatus();
}

absl::Status TreeMaker::SetXattrs(int fd, const TarEntry& entry) {
  for (const auto& [name, value] : entry.xattrs) {
    if (!IsLayerXattr(name)) continue;
    if (::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) == 0) continue;
    if (errno != EOPNOTSUPP) return ErrnoOf(entry, absl::StrCat("set ", base::Quoted(name)));
    if (!std::exchange(told_xattrs_, true) && tell_ != nullptr) {
      tell_(absl::StrCat(base::Quoted(entry.path), ": the file system has no attribute ",
                         base::Quoted(name), "; such were left out"));
    }
  }
  return absl::OkStatus();
}

absl::Status TreeMaker::Finish() {
  for (auto time = times_.rbegin(); time != times_.rend(); ++time) {
    const auto [parent, name] = Split(time->path);
    const auto dirfd = OpenParent(parent);
    if (!dirfd.ok()) continue;
    const UniqueFd fd(::openat(*dirfd, std::string(name).c_str(),
                               O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat st;
    if (!fd.valid() || ::fstat(fd.get(), &st) < 0 || st.st_dev != time->device ||
        st.st_ino != time->inode) {
      continue;
    }
    const timespec times[2] = {{0, UTIME_OMIT}, time->time};
    if (::futimens(fd.get(), times) < 0) {
      return base::PosixError(errno, base::Quoted(time->path), "set times");
    }
  }
  return absl::OkStatus();
}

}  // namespace stave::image
