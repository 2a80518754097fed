// SPDX-License-Identifier: Apache-2.0
#include "libs/image/settle.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/error.h"
#include "libs/base/listing.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/image/lower_lookup.h"
#include "libs/image/xattr.h"
#include "libs/rootpath/rootpath.h"

namespace stave::image {
namespace {

using base::UniqueFd;

absl::Status TarError(absl::string_view message) {
  return base::Error(absl::StatusCode::kInvalidArgument, "E_TAR", message);
}

// A directory of the layer in which something is made or removed: it gets its mtime back.
class Workplace {
 public:
  static absl::StatusOr<Workplace> Open(int layer, const std::string& path) {
    Workplace place;
    const size_t slash = path.rfind('/');
    const bool at_top = slash == std::string::npos;
    place.name_ = at_top ? path : path.substr(slash + 1);
    STAVE_ASSIGN_OR_RETURN(
        place.dir_,
        rootpath::OpenBeneath(layer, at_top ? "" : path.substr(0, slash), O_RDONLY | O_DIRECTORY));
    struct stat st;
    if (::fstat(place.dir_.get(), &st) < 0)
      return base::PosixError(errno, base::Quoted(path), "stat");
    place.times_[0] = st.st_atim;
    place.times_[1] = st.st_mtim;
    return place;
  }

  int fd() const { return dir_.get(); }
  const std::string& name() const { return name_; }

  absl::Status Restore() {
    if (::futimens(dir_.get(), times_) == 0) return absl::OkStatus();
    return base::PosixError(errno, base::Quoted(name_), "set times");
  }

 private:
  UniqueFd dir_;
  std::string name_;
  timespec times_[2] = {};
};

absl::Status SetOwnerAndMode(int fd, const struct stat& st, absl::string_view path) {
  if (::fchown(fd, st.st_uid, st.st_gid) < 0)
    return base::PosixError(errno, base::Quoted(path), "chown");
  if (::fchmod(fd, st.st_mode & 07777) < 0)
    return base::PosixError(errno, base::Quoted(path), "chmod");
  return absl::OkStatus();
}

absl::Status SetTimes(int fd, const struct stat& st, absl::string_view path) {
  const timespec times[2] = {st.st_atim, st.st_mtim};
  if (::futimens(fd, times) == 0) return absl::OkStatus();
  return base::PosixError(errno, base::Quoted(path), "set times");
}

// Copies the bytes from..end of one file to the same place of the other.
absl::Status CopyRange(int from, int to, off_t at, off_t end, absl::string_view path) {
  while (at < end) {
    off_t in = at, out = at;
    const ssize_t copied = ::copy_file_range(from, &in, to, &out, static_cast<size_t>(end - at), 0);
    if (copied < 0 && errno == EINTR) continue;
    if (copied < 0 && errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP) {
      return base::PosixError(errno, base::Quoted(path), "copy");
    }
    if (copied <= 0) break;
    at += copied;
  }
  if (at < end && ::lseek(to, at, SEEK_SET) < 0)
    return base::PosixError(errno, base::Quoted(path), "seek");
  std::string buffer(at < end ? 256 * 1024 : 0, '\0');
  while (at < end) {
    const size_t most = std::min(buffer.size(), static_cast<size_t>(end - at));
    const ssize_t got = ::pread(from, buffer.data(), most, at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::PosixError(errno, base::Quoted(path), "read");
    if (got == 0) break;
    STAVE_RETURN_IF_ERROR(
        base::WriteAll(to, {buffer.data(), static_cast<size_t>(got)}, base::Quoted(path)));
    at += got;
  }
  return absl::OkStatus();
}

// Holes stay holes: a layer may have files of many GiB that hold nothing.
absl::Status CopyData(int from, int to, off_t size, absl::string_view path) {
  if (::ioctl(to, FICLONE, from) == 0) return absl::OkStatus();
  for (off_t at = 0; at < size;) {
    const off_t data = ::lseek(from, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;
    const off_t hole = data < 0 ? -1 : ::lseek(from, data, SEEK_HOLE);
    if (hole < 0) return base::PosixError(errno, base::Quoted(path), "seek");
    STAVE_RETURN_IF_ERROR(CopyRange(from, to, data, hole, path));
    at = hole;
  }
  if (::ftruncate(to, size) == 0) return absl::OkStatus();
  return base::PosixError(errno, base::Quoted(path), "set the size");
}

absl::Status AddNames(int dirfd, std::set<std::string>* names) {
  STAVE_ASSIGN_OR_RETURN(UniqueFd own, base::OpenDirAt(dirfd, "."));
  STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> found,
                         base::ListNames(std::move(own), "layer"));
  names->insert(found.begin(), found.end());
  return absl::OkStatus();
}

class Settler {
 public:
  Settler(int layer, absl::Span<const int> lowers, OverlayAttributes attributes)
      : layer_(layer),
        lowers_(lowers),
        opaque_(attributes == OverlayAttributes::kTrusted ? "trusted.overlay.opaque"
                                                          : "user.overlay.opaque") {}

  absl::Status MarkOpaque(const std::string& path);
  absl::Status HideAll();
  absl::Status CopyParent(const std::string& path);
  absl::Status DropIfVoid(const std::string& path);
  absl::Status MakeLink(const std::string& path, const std::string& target);

 private:
  absl::StatusOr<bool> LinkHere(const Workplace& place, const std::string& target);
  absl::Status CopyUp(const Found& found, const Workplace& place, const std::string& path);
  absl::Status CopyFile(const Found& found, const Workplace& place, const std::string& path);

  int layer_;
  absl::Span<const int> lowers_;
  const char* opaque_;
};

absl::Status Settler::MarkOpaque(const std::string& path) {
  STAVE_ASSIGN_OR_RETURN(const UniqueFd dir,
                         rootpath::OpenBeneath(layer_, path, O_RDONLY | O_DIRECTORY));
  if (::fsetxattr(dir.get(), opaque_, "y", 1, 0) == 0) return absl::OkStatus();
  return base::PosixError(errno, base::Quoted(path), absl::StrCat("set ", opaque_));
}

absl::Status Settler::HideAll() {
  std::set<std::string> names;
  for (const int lower : lowers_) STAVE_RETURN_IF_ERROR(AddNames(lower, &names));
  STAVE_ASSIGN_OR_RETURN(Workplace place, Workplace::Open(layer_, "."));
  for (const std::string& name : names) {
    STAVE_ASSIGN_OR_RETURN(const std::optional<Found> found, LookUpLower(lowers_, name, opaque_));
    if (!found) continue;
    if (::mknodat(layer_, name.c_str(), S_IFCHR, makedev(0, 0)) == 0) continue;
    if (errno != EEXIST) return base::PosixError(errno, base::Quoted(name), "make whiteout");
    struct stat st;
    if (::fstatat(layer_, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) {
      return base::PosixError(errno, base::Quoted(name), "stat");
    }
    if (S_ISDIR(st.st_mode)) STAVE_RETURN_IF_ERROR(MarkOpaque(name));
  }
  return place.Restore();
}

absl::Status Settler::CopyParent(const std::string& path) {
  STAVE_ASSIGN_OR_RETURN(const std::optional<Found> found, LookUpLower(lowers_, path, opaque_));
  if (!found || !S_ISDIR(found->stat.st_mode)) return absl::OkStatus();
  const UniqueFd from(::openat(found->parent.get(), found->name.c_str(),
                               O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!from.valid()) return base::PosixError(errno, base::Quoted(path), "open");
  STAVE_ASSIGN_OR_RETURN(const UniqueFd to,
                         rootpath::OpenBeneath(layer_, path, O_RDONLY | O_DIRECTORY));
  STAVE_RETURN_IF_ERROR(SetOwnerAndMode(to.get(), found->stat, path));
  STAVE_RETURN_IF_ERROR(CopyLayerXattrs(from.get(), to.get()));
  return SetTimes(to.get(), found->stat, path);
}

absl::Status Settler::DropIfVoid(const std::string& path) {
  STAVE_ASSIGN_OR_RETURN(const std::optional<Found> found, LookUpLower(lowers_, path, opaque_));
  if (found) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(Workplace place, Workplace::Open(layer_, path));
  struct stat st;
  if (::fstatat(place.fd(), place.name().c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) {
    return base::PosixError(errno, base::Quoted(path), "stat");
  }
  if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(0, 0)) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_REPORT",
                       absl::StrCat(base::Quoted(path), ": is not a whiteout"));
  }
  if (::unlinkat(place.fd(), place.name().c_str(), 0) < 0) {
    return base::PosixError(errno, base::Quoted(path), "unlink");
  }
  return place.Restore();
}

absl::Status Settler::MakeLink(const std::string& path, const std::string& target) {
  STAVE_ASSIGN_OR_RETURN(Workplace place, Workplace::Open(layer_, path));
  STAVE_ASSIGN_OR_RETURN(const bool here, LinkHere(place, target));
  if (!here) {
    STAVE_ASSIGN_OR_RETURN(const std::optional<Found> found, LookUpLower(lowers_, target, opaque_));
    if (!found || S_ISDIR(found->stat.st_mode)) {
      return TarError(absl::StrCat(base::Quoted(path), ": hard link to ", base::Quoted(target),
                                   found ? ", a directory" : ", which is nowhere"));
    }
    STAVE_RETURN_IF_ERROR(CopyUp(*found, place, path));
  }
  return place.Restore();
}

// A second link to a file that was copied up before.
absl::StatusOr<bool> Settler::LinkHere(const Workplace& place, const std::string& target) {
  const absl::StatusOr<Workplace> from = Workplace::Open(layer_, target);
  if (!from.ok()) return false;
  struct stat st;
  if (::fstatat(from->fd(), from->name().c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0 ||
      S_ISDIR(st.st_mode) || (S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0))) {
    return false;
  }
  if (::linkat(from->fd(), from->name().c_str(), place.fd(), place.name().c_str(), 0) < 0) {
    return base::PosixError(errno, base::Quoted(target), "link");
  }
  return true;
}

absl::Status Settler::CopyUp(const Found& found, const Workplace& place, const std::string& path) {
  const struct stat& st = found.stat;
  if (S_ISREG(st.st_mode)) return CopyFile(found, place, path);
  const char* name = place.name().c_str();
  if (S_ISLNK(st.st_mode)) {
    char target[PATH_MAX + 1];
    const ssize_t length =
        ::readlinkat(found.parent.get(), found.name.c_str(), target, sizeof(target) - 1);
    if (length < 0) return base::PosixError(errno, base::Quoted(path), "readlink");
    target[length] = '\0';
    if (::symlinkat(target, place.fd(), name) < 0) {
      return base::PosixError(errno, base::Quoted(path), "symlink");
    }
  } else {
    if (::mknodat(place.fd(), name, st.st_mode & ~static_cast<mode_t>(07777), st.st_rdev) < 0) {
      return base::PosixError(errno, base::Quoted(path), "mknod");
    }
  }
  if (::fchownat(place.fd(), name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0) {
    return base::PosixError(errno, base::Quoted(path), "chown");
  }
  // It has just been made, in a tree that nobody else has.
  if (!S_ISLNK(st.st_mode) && ::fchmodat(place.fd(), name, st.st_mode & 07777, 0) < 0) {
    return base::PosixError(errno, base::Quoted(path), "chmod");
  }
  const timespec times[2] = {st.st_atim, st.st_mtim};
  if (::utimensat(place.fd(), name, times, AT_SYMLINK_NOFOLLOW) < 0) {
    return base::PosixError(errno, base::Quoted(path), "set times");
  }
  return absl::OkStatus();
}

absl::Status Settler::CopyFile(const Found& found, const Workplace& place,
                               const std::string& path) {
  const UniqueFd from(
      ::openat(found.parent.get(), found.name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!from.valid()) return base::PosixError(errno, base::Quoted(path), "open");
  const UniqueFd to(::openat(place.fd(), place.name().c_str(),
                             O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!to.valid()) return base::PosixError(errno, base::Quoted(path), "create");
  STAVE_RETURN_IF_ERROR(CopyData(from.get(), to.get(), found.stat.st_size, path));
  STAVE_RETURN_IF_ERROR(SetOwnerAndMode(to.get(), found.stat, path));
  STAVE_RETURN_IF_ERROR(CopyLayerXattrs(from.get(), to.get()));
  return SetTimes(to.get(), found.stat, path);
}

}  // namespace

absl::Status Settle(int layer, const UnpackReport& report, absl::Span<const int> lowers,
                    OverlayAttributes attributes) {
  Settler settler(layer, lowers, attributes);
  for (const std::string& path : report.opaque) {
    STAVE_RETURN_IF_ERROR(path == "." ? settler.HideAll() : settler.MarkOpaque(path));
  }
  for (const std::string& path : report.whiteouts) STAVE_RETURN_IF_ERROR(settler.DropIfVoid(path));
  for (const auto& [path, target] : report.lower_links) {
    STAVE_RETURN_IF_ERROR(settler.MakeLink(path, target));
  }
  // Last, since the steps above change and restore mtimes below them.
  for (const std::string& path : report.implied_parents) {
    STAVE_RETURN_IF_ERROR(settler.CopyParent(path));
  }
  return absl::OkStatus();
}

}  // namespace stave::image
