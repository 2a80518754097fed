// SPDX-License-Identifier: Apache-2.0
#include "libs/image/layer_changes.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/listing.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/image/tar_entry_writer.h"
#include "libs/image/tree_reader.h"
#include "libs/image/xattr.h"
#include "libs/rootpath/rootpath.h"

namespace stave::image {
namespace {

using archive::TarEntry;
using archive::TarType;
using base::UniqueFd;

constexpr absl::string_view kWhiteout = ".wh.";

absl::Status AddNames(int dirfd, const std::string& path, std::set<std::string>* names) {
  STAVE_ASSIGN_OR_RETURN(UniqueFd dir, base::OpenDirAt(dirfd, "."));
  const auto found = base::ListNames(std::move(dir), base::Quoted(path));
  if (absl::IsNotFound(found.status())) return absl::OkStatus();  // removed meanwhile
  if (!found.ok()) return found.status();
  names->insert(found->begin(), found->end());
  return absl::OkStatus();
}

// What fstatat(2) says; nullopt: it is not there.
absl::StatusOr<std::optional<struct stat>> Stat(int dirfd, const std::string& name) {
  struct stat st;
  if (::fstatat(dirfd, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) return st;
  if (errno == ENOENT) return std::nullopt;
  return base::PosixError(errno, base::Quoted(name), "stat");
}

// A char device 0:0, or the file that overlays upon overlays have instead (Linux 6.7).
bool IsWhiteout(int dirfd, const std::string& name, const struct stat& st) {
  if (S_ISCHR(st.st_mode)) return st.st_rdev == makedev(0, 0);
  if (!S_ISREG(st.st_mode) || st.st_size != 0) return false;
  const std::string path = absl::StrCat("/proc/self/fd/", dirfd, "/", name);
  return ::lgetxattr(path.c_str(), "trusted.overlay.whiteout", nullptr, 0) >= 0 ||
         ::lgetxattr(path.c_str(), "user.overlay.whiteout", nullptr, 0) >= 0;
}

// Invalid if it is gone, or is no directory any more.
absl::StatusOr<UniqueFd> OpenFolder(int dirfd, const std::string& name) {
  UniqueFd fd(::openat(dirfd, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fd.valid() || errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return fd;
  return base::PosixError(errno, base::Quoted(name), "open");
}

// What the layers show at a name.
struct Below {
  std::optional<struct stat> st;  // nullopt: nothing
  std::vector<UniqueFd> folders;  // of a directory: those that are merged, the top one first
};

class Finder {
 public:
  explicit Finder(const LayerStack& stack) : layers_(stack) {}
  absl::StatusOr<std::vector<Change>> Run();

 private:
  struct Folder {
    UniqueFd upper;
    std::vector<UniqueFd> lowers;
    std::vector<std::string> names;
    size_t next = 0;
    size_t path_size = 0;
    size_t index = 0;      // of its own change, once it is known to be one; see Leave
    bool hides = false;    // what the layers have in it
    bool changed = false;  // whatever is in it
    bool retimed = false;  // only its time is another
    bool has_mount_point = false;
  };

  bool IsOpaque(int fd) const {
    char value;
    return ::fgetxattr(fd, layers_.opaque, &value, 1) == 1 && value == 'y';
  }
  absl::StatusOr<Below> LookBelow(const Folder& folder, const std::string& name) const;
  absl::StatusOr<std::vector<std::string>> Names(const Folder& folder) const;
  absl::Status Visit(const std::string& name);
  absl::Status Enter(Folder* above, const std::string& name, Below below);
  absl::Status Compare(const struct stat& was, Folder* folder) const;
  void Leave();
  void Add(Change::Kind kind, bool hidden) { changes_.push_back({kind, path_, false, hidden}); }

  const LayerStack& layers_;
  std::string path_;
  std::vector<Folder> stack_;
  std::vector<Change> changes_;
};

absl::StatusOr<Below> Finder::LookBelow(const Folder& folder, const std::string& name) const {
  Below below;
  for (const UniqueFd& lower : folder.lowers) {
    STAVE_ASSIGN_OR_RETURN(const auto st, Stat(lower.get(), name));
    if (!st) continue;
    if (IsWhiteout(lower.get(), name, *st)) break;
    const bool is_directory = S_ISDIR(st->st_mode);
    if (!is_directory && below.st) break;
    if (!below.st) below.st = st;
    if (!is_directory) break;
    STAVE_ASSIGN_OR_RETURN(UniqueFd fd, OpenFolder(lower.get(), name));
    const bool opaque = IsOpaque(fd.get());
    below.folders.push_back(std::move(fd));
    if (opaque) break;
  }
  return below;
}

absl::StatusOr<std::vector<std::string>> Finder::Names(const Folder& folder) const {
  std::set<std::string> names;
  STAVE_RETURN_IF_ERROR(AddNames(folder.upper.get(), path_, &names));
  if (folder.hides) {
    for (const UniqueFd& lower : folder.lowers) {
      STAVE_RETURN_IF_ERROR(AddNames(lower.get(), path_, &names));
    }
  }
  return std::vector<std::string>(names.begin(), names.end());
}

absl::Status Finder::Compare(const struct stat& was, Folder* folder) const {
  struct stat is;
  if (::fstat(folder->upper.get(), &is) < 0)
    return base::PosixError(errno, base::Quoted(path_), "stat");
  folder->retimed =
      is.st_mtim.tv_sec != was.st_mtim.tv_sec || is.st_mtim.tv_nsec != was.st_mtim.tv_nsec;
  folder->changed = is.st_mode != was.st_mode || is.st_uid != was.st_uid || is.st_gid != was.st_gid;
  if (folder->changed) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(const auto now, ReadLayerXattrs(folder->upper.get(), base::Quoted(path_)));
  STAVE_ASSIGN_OR_RETURN(const auto then,
                         ReadLayerXattrs(folder->lowers[0].get(), base::Quoted(path_)));
  folder->changed = now != then;
  return absl::OkStatus();
}

absl::Status Finder::Enter(Folder* above, const std::string& name, Below below) {
  Folder folder;
  STAVE_ASSIGN_OR_RETURN(folder.upper, OpenFolder(above->upper.get(), name));
  if (!folder.upper.valid()) return absl::OkStatus();
  const bool opaque = IsOpaque(folder.upper.get());
  folder.hides = above->hides || opaque;
  folder.path_size = path_.size();
  folder.index = changes_.size();
  Change change = {below.st ? Change::Kind::kChanged : Change::Kind::kAdded, path_};
  if (below.folders.empty()) {
    folder.changed = true;  // new, or in place of something else
  } else {
    folder.lowers = std::move(below.folders);
    STAVE_RETURN_IF_ERROR(Compare(*below.st, &folder));
    change.opaque = opaque && !above->hides;
    folder.changed = folder.changed || opaque;
  }
  STAVE_ASSIGN_OR_RETURN(folder.names, Names(folder));
  changes_.push_back(std::move(change));
  stack_.push_back(std::move(folder));
  return absl::OkStatus();
}

// The entry `name`, at path_, of the directory on top of the stack.
absl::Status Finder::Visit(const std::string& name) {
  Folder& folder = stack_.back();
  STAVE_ASSIGN_OR_RETURN(const auto st, Stat(folder.upper.get(), name));
  if (!st && !folder.hides) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(Below below, LookBelow(folder, name));
  if (!st || IsWhiteout(folder.upper.get(), name, *st)) {
    if (below.st) Add(Change::Kind::kDeleted, folder.hides && stack_.size() > 1);
  } else if (S_ISDIR(st->st_mode)) {
    return Enter(&folder, name, std::move(below));
  } else if (!below.st && S_ISREG(st->st_mode) && st->st_size == 0 &&
             layers_.mount_points.contains(path_)) {
    folder.has_mount_point = true;
  } else {
    Add(below.st ? Change::Kind::kChanged : Change::Kind::kAdded, false);
  }
  return absl::OkStatus();
}

// A directory in which nothing has changed, and which itself is what it was, is no change after
// all.
void Finder::Leave() {
  const Folder folder = std::move(stack_.back());
  stack_.pop_back();
  if (stack_.empty() || changes_.size() > folder.index + 1) return;
  const bool mount_point = changes_.back().kind == Change::Kind::kAdded &&
                           layers_.mount_points.contains(changes_.back().path);
  if (mount_point) stack_.back().has_mount_point = true;
  if (mount_point || (!folder.changed && (!folder.retimed || folder.has_mount_point))) {
    changes_.pop_back();
  }
}

absl::StatusOr<std::vector<Change>> Finder::Run() {
  Folder root;
  STAVE_ASSIGN_OR_RETURN(root.upper, base::OpenDirAt(layers_.upper, "."));
  for (const int lower : layers_.lowers) {
    STAVE_ASSIGN_OR_RETURN(UniqueFd fd, base::OpenDirAt(lower, "."));
    root.lowers.push_back(std::move(fd));
    if (IsOpaque(lower)) break;
  }
  root.hides = IsOpaque(layers_.upper);
  STAVE_ASSIGN_OR_RETURN(root.names, Names(root));
  stack_.push_back(std::move(root));
  while (!stack_.empty()) {
    Folder& folder = stack_.back();
    path_.resize(folder.path_size);
    if (folder.next == folder.names.size()) {
      Leave();
      continue;
    }
    const std::string name = folder.names[folder.next++];
    absl::StrAppend(&path_, path_.empty() ? "" : "/", name);
    if (path_.size() > archive::kMaxName) {
      return base::Error(absl::StatusCode::kResourceExhausted, "E_LIMIT",
                         absl::StrCat(base::Quoted(path_), ": directories are nested too deeply"));
    }
    STAVE_RETURN_IF_ERROR(Visit(name));
  }
  return std::move(changes_);
}

// "a/b" -> "a/.wh.b".
std::string WhiteoutOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return absl::StrCat(kWhiteout, path);
  return absl::StrCat(path.substr(0, slash + 1), kWhiteout, path.substr(slash + 1));
}

bool LooksLikeWhiteout(const std::string& path) {
  return absl::StartsWith(path, kWhiteout) || absl::StrContains(path, "/.wh.");
}

// Neither owner nor time of a whiteout mean anything: always the same.
absl::Status WriteMark(const std::string& path, archive::TarWriter* tar) {
  TarEntry mark;
  mark.path = path;
  mark.type = TarType::kFile;
  return WriteTarEntry(mark, nullptr, tar);
}

}  // namespace

absl::StatusOr<std::vector<Change>> FindChanges(const LayerStack& stack) {
  return Finder(stack).Run();
}

absl::Status WriteLayer(int upper, const std::vector<Change>& changes, const TellOmission& tell,
                        archive::TarWriter* tar) {
  TreeReader reader(
      {}, [&](TarEntry* entry, EntryData* data) { return WriteTarEntry(*entry, data, tar); }, tell);
  for (const Change& change : changes) {
    if (LooksLikeWhiteout(change.path)) {
      if (tell != nullptr && change.kind != Change::Kind::kDeleted) {
        tell(absl::StrCat(base::Quoted(change.path),
                          ": a layer cannot have that name; it was left out"));
      }
    } else if (change.kind == Change::Kind::kDeleted) {
      if (!change.hidden) STAVE_RETURN_IF_ERROR(WriteMark(WhiteoutOf(change.path), tar));
    } else {
      const auto fd = rootpath::OpenBeneath(upper, change.path, O_PATH | O_NOFOLLOW);
      if (absl::IsNotFound(fd.status())) continue;
      if (!fd.ok()) return fd.status();
      STAVE_RETURN_IF_ERROR(reader.ReadEntry(fd->get(), change.path));
      if (change.opaque) {
        STAVE_RETURN_IF_ERROR(WriteMark(absl::StrCat(change.path, "/.wh..wh..opq"), tar));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace stave::image
