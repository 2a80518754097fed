// SPDX-License-Identifier: Apache-2.0
#include "libs/image/tree_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/listing.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/image/xattr.h"
#include "libs/rootpath/rootpath.h"

namespace stave::image {
namespace {

using archive::TarEntry;
using archive::TarType;
using base::UniqueFd;

constexpr size_t kBuffer = 256 * 1024;
constexpr size_t kOpenFolders = 60;
// Not in all versions of linux/magic.h.
constexpr uint32_t kMqueue = 0x19800202, kConfigfs = 0x62656570, kFusectl = 0x65735543;

// The readable file that the O_PATH descriptor `fd` is open on.
std::string Reopened(int fd) { return absl::StrCat("/proc/self/fd/", fd); }

// The data of a file of which `size` bytes count.
class FileData : public EntryData {
 public:
  FileData(UniqueFd fd, uint64_t size, const std::string& noun)
      : fd_(std::move(fd)),
        size_(size),
        noun_(noun),
        buffer_(std::min<uint64_t>(size, kBuffer), 0) {}

  absl::StatusOr<absl::string_view> ReadData() override {
    if (next_ >= data_end_ && !FindData()) return absl::string_view();
    position_ = next_;
    const size_t want = static_cast<size_t>(std::min<uint64_t>(buffer_.size(), data_end_ - next_));
    ssize_t got = 0;
    do {
      got = ::pread(fd_.get(), buffer_.data(), want, static_cast<off_t>(next_));
    } while (got < 0 && errno == EINTR);
    if (got < 0) return base::PosixError(errno, noun_, "read");
    if (got == 0) shrunk_ = true;
    next_ = got == 0 ? size_ : next_ + static_cast<uint64_t>(got);
    if (got == 0) data_end_ = size_;
    return absl::string_view(buffer_.data(), static_cast<size_t>(got));
  }
  uint64_t position() const override { return position_; }
  bool shrunk() const { return shrunk_; }

 private:
  // File systems without holes know of one at the end only.
  bool FindData() {
    if (next_ >= size_) return false;
    const off_t data = ::lseek(fd_.get(), static_cast<off_t>(next_), SEEK_DATA);
    if (data < 0 && errno == ENXIO) return false;
    const off_t hole = data < 0 ? -1 : ::lseek(fd_.get(), data, SEEK_HOLE);
    if (data >= 0) next_ = static_cast<uint64_t>(data);
    data_end_ = hole < 0 ? size_ : std::min(size_, static_cast<uint64_t>(hole));
    return next_ < data_end_;
  }

  UniqueFd fd_;
  uint64_t size_;
  std::string noun_;
  std::string buffer_;
  uint64_t position_ = 0, next_ = 0, data_end_ = 0;
  bool shrunk_ = false;
};

absl::StatusOr<std::vector<std::string>> SortedNames(int dirfd, const std::string& path) {
  STAVE_ASSIGN_OR_RETURN(UniqueFd dir, base::OpenDirAt(dirfd, "."));
  auto names = base::ListNames(std::move(dir), base::Quoted(path));
  // A directory that has been removed meanwhile is empty.
  if (absl::IsNotFound(names.status())) return std::vector<std::string>();
  if (names.ok()) std::sort(names->begin(), names->end());
  return names;
}

absl::Status ReadXattrs(int fd, TarEntry* entry) {
  STAVE_ASSIGN_OR_RETURN(entry->xattrs, ReadLayerXattrs(fd, base::Quoted(entry->path)));
  const auto no_name_for_a_tar = [](const auto& xattr) {
    return xattr.first.find('=') != std::string::npos;
  };
  std::erase_if(entry->xattrs, no_name_for_a_tar);
  return absl::OkStatus();
}

TarType TypeOf(const struct stat& st) {
  switch (st.st_mode & S_IFMT) {
    case S_IFDIR:
      return TarType::kDirectory;
    case S_IFLNK:
      return TarType::kSymlink;
    case S_IFCHR:
      return TarType::kCharDevice;
    case S_IFBLK:
      return TarType::kBlockDevice;
    case S_IFIFO:
      return TarType::kFifo;
    default:
      return TarType::kFile;
  }
}

TarEntry MakeEntry(const struct stat& st, const std::string& path) {
  TarEntry entry;
  entry.path = path;
  entry.type = TypeOf(st);
  entry.mode = st.st_mode & 07777;
  entry.uid = st.st_uid;
  entry.gid = st.st_gid;
  entry.mtime = st.st_mtim;
  if (S_ISREG(st.st_mode)) entry.size = static_cast<uint64_t>(st.st_size);
  if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
    entry.device_major = major(st.st_rdev);
    entry.device_minor = minor(st.st_rdev);
  }
  return entry;
}

absl::Status ReadTarget(int fd, TarEntry* entry) {
  char target[PATH_MAX];
  const ssize_t length = ::readlinkat(fd, "", target, sizeof target);
  if (length < 0) return base::PosixError(errno, base::Quoted(entry->path), "readlink");
  entry->link.assign(target, static_cast<size_t>(length));
  return absl::OkStatus();
}

}  // namespace

// A directory on the way: of those far above, the descriptor is closed and opened again.
struct TreeReader::Folder {
  UniqueFd fd;
  std::vector<std::string> names;
  size_t next = 0;
  size_t path_size = 0;
};

bool IsKernelFilesystem(int fd) {
  struct statfs st;
  if (::fstatfs(fd, &st) < 0) return false;
  static constexpr uint32_t kMade[] = {
      PROC_SUPER_MAGIC, SYSFS_MAGIC,    CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, DEVPTS_SUPER_MAGIC,
      DEBUGFS_MAGIC,    TRACEFS_MAGIC,  SECURITYFS_MAGIC,   BPF_FS_MAGIC,        PSTOREFS_MAGIC,
      SELINUX_MAGIC,    EFIVARFS_MAGIC, BINFMTFS_MAGIC,     NSFS_MAGIC,          kMqueue,
      kConfigfs,        kFusectl};
  return std::find(std::begin(kMade), std::end(kMade), static_cast<uint32_t>(st.f_type)) !=
         std::end(kMade);
}

void TreeReader::Tell(const std::string& path, absl::string_view why) const {
  if (tell_ != nullptr) tell_(absl::StrCat(base::Quoted(path), ": ", why));
}

// Whether a mount begins here that is not to be entered.
bool TreeReader::IsClosed(int fd) const {
  struct statx st {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &st) < 0) return false;
  if ((st.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0) return false;
  return bounds_.mounts == TreeBounds::Mounts::kStop || bounds_.closed.contains(st.stx_mnt_id) ||
         IsKernelFilesystem(fd);
}

bool TreeReader::IsLink(const struct stat& st, TarEntry* entry) {
  if (st.st_nlink < 2 || S_ISDIR(st.st_mode)) return false;
  const auto [first, is_new] = first_names_.try_emplace({st.st_dev, st.st_ino}, entry->path);
  if (is_new || first->second == entry->path) return false;
  entry->type = TarType::kHardLink;
  entry->link = first->second;
  entry->size = 0;
  return true;
}

absl::Status TreeReader::TakeFile(int fd, TarEntry* entry) {
  UniqueFd file(::open(Reopened(fd).c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.valid()) return base::PosixError(errno, base::Quoted(entry->path), "open");
  STAVE_RETURN_IF_ERROR(ReadXattrs(file.get(), entry));
  const std::string path = entry->path;
  FileData data(std::move(file), entry->size, base::Quoted(path));
  STAVE_RETURN_IF_ERROR(take_(entry, &data));
  if (data.shrunk()) Tell(path, "has become shorter while it was read; zeros stand for the rest");
  return absl::OkStatus();
}

absl::StatusOr<TreeReader::Told> TreeReader::Take(int fd, const std::string& path, bool closed) {
  struct stat st;
  if (::fstat(fd, &st) < 0) return base::PosixError(errno, base::Quoted(path), "stat");
  if (S_ISSOCK(st.st_mode)) {
    Tell(path, "is a socket and was left out");
    return Told::kOther;
  }
  if (S_ISDIR(st.st_mode) && excluded_.contains({st.st_dev, st.st_ino})) {
    Tell(path, "is what is being made; it was left out");
    return Told::kOther;
  }
  TarEntry entry = MakeEntry(st, path);
  if (S_ISDIR(st.st_mode)) {
    STAVE_ASSIGN_OR_RETURN(const UniqueFd folder,
                           rootpath::OpenBeneath(fd, ".", O_RDONLY | O_DIRECTORY));
    STAVE_RETURN_IF_ERROR(ReadXattrs(folder.get(), &entry));
    STAVE_RETURN_IF_ERROR(take_(&entry, nullptr));
    return closed ? Told::kOther : Told::kDirectory;
  }
  if (closed && !S_ISREG(st.st_mode)) return Told::kOther;
  if (closed) entry.size = 0;
  if (!closed && IsLink(st, &entry)) {
    STAVE_RETURN_IF_ERROR(take_(&entry, nullptr));
  } else if (S_ISREG(st.st_mode)) {
    STAVE_RETURN_IF_ERROR(TakeFile(fd, &entry));
  } else {
    if (S_ISLNK(st.st_mode)) STAVE_RETURN_IF_ERROR(ReadTarget(fd, &entry));
    STAVE_RETURN_IF_ERROR(take_(&entry, nullptr));
  }
  return Told::kOther;
}

absl::Status TreeReader::ReadEntry(int fd, const std::string& path) {
  return Take(fd, path, false).status();
}

absl::Status TreeReader::ReadTree(int fd, const std::string& path) {
  STAVE_ASSIGN_OR_RETURN(const Told told, Take(fd, path, false));
  return told == Told::kDirectory ? ReadFolders(fd, path) : absl::OkStatus();
}

absl::Status TreeReader::EnterChild(Folder* folder, const std::string& name, std::string* path,
                                    std::vector<Folder>* stack) {
  UniqueFd child(::openat(folder->fd.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!child.valid()) {
    return errno == ENOENT ? absl::OkStatus()
                           : base::PosixError(errno, base::Quoted(*path), "open");
  }
  STAVE_ASSIGN_OR_RETURN(const Told told, Take(child.get(), *path, IsClosed(child.get())));
  if (told != Told::kDirectory) return absl::OkStatus();
  if (stack->size() >= kOpenFolders) (*stack)[stack->size() - kOpenFolders].fd.Reset();
  Folder below;
  STAVE_ASSIGN_OR_RETURN(below.names, SortedNames(child.get(), *path));
  below.fd = std::move(child);
  below.path_size = path->size();
  stack->push_back(std::move(below));
  return absl::OkStatus();
}

absl::Status TreeReader::ReadFolders(int fd, const std::string& top) {
  std::string path = top == "." ? "" : top;
  const size_t top_size = path.size();
  std::vector<Folder> stack(1);
  stack[0].path_size = path.size();
  STAVE_ASSIGN_OR_RETURN(stack[0].fd, base::Duplicate(fd));
  STAVE_ASSIGN_OR_RETURN(stack[0].names, SortedNames(fd, top));
  while (!stack.empty()) {
    Folder& folder = stack.back();
    path.resize(folder.path_size);
    if (folder.next == folder.names.size()) {
      stack.pop_back();
      continue;
    }
    if (!folder.fd.valid()) {
      auto again =
          rootpath::OpenBeneath(fd, absl::string_view(path).substr(top_size), O_PATH | O_DIRECTORY);
      if (!again.ok()) {
        Tell(path, "has been moved while it was read; the rest of it was left out");
        stack.pop_back();
        continue;
      }
      folder.fd = *std::move(again);
    }
    const std::string name = folder.names[folder.next++];
    absl::StrAppend(&path, path.empty() ? "" : "/", name);
    if (path.size() > archive::kMaxName) {
      return base::Error(absl::StatusCode::kResourceExhausted, "E_LIMIT",
                         absl::StrCat(base::Quoted(path), ": directories are nested too deeply"));
    }
    STAVE_RETURN_IF_ERROR(EnterChild(&folder, name, &path, &stack));
  }
  return absl::OkStatus();
}

}  // namespace stave::image
