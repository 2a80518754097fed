// SPDX-License-Identifier: Apache-2.0
#include "libs/image/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "libs/archive/read_ahead.h"
#include "libs/archive/tar_reader.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/image/layer_tree.h"
#include "libs/image/sparse_file.h"
#include "libs/image/xattr.h"
#include "libs/oci/digest.h"

namespace stave::image {
namespace {

using archive::TarEntry;
using archive::TarType;
using Xattrs = std::vector<std::pair<std::string, std::string>>;

constexpr absl::string_view kWhiteout = ".wh.";
constexpr absl::string_view kAufs = ".wh..wh.";
constexpr absl::string_view kOpaque = ".wh..wh..opq";

absl::Status TarError(absl::string_view message) {
  return base::Error(absl::StatusCode::kInvalidArgument, "E_TAR", message);
}

absl::Status LimitError(absl::string_view message) {
  return base::Error(absl::StatusCode::kResourceExhausted, "E_LIMIT", message);
}

// The plain stream on its way: counted, limited, digested.
class DigestingSource : public archive::ByteSource {
 public:
  DigestingSource(archive::ByteSource* source, uint64_t limit) : source_(source), limit_(limit) {}

  absl::StatusOr<size_t> Read(char* to, size_t size) override {
    STAVE_ASSIGN_OR_RETURN(const size_t got, source_->Read(to, size));
    bytes_ += got;
    if (bytes_ > limit_) {
      return LimitError(absl::StrCat("the layer has more than ", limit_, " bytes"));
    }
    sha_.Update({to, got});
    return got;
  }

  uint64_t bytes() const { return bytes_; }
  std::string Finish() { return sha_.Finish().ToString(); }

 private:
  archive::ByteSource* source_;
  uint64_t limit_, bytes_ = 0;
  oci::Sha256 sha_;
};

struct Place {
  Directory* directory;
  std::string name;
};

class Unpacker {
 public:
  Unpacker(archive::TarReader* tar, int rootfd, const UnpackLimits& limits)
      : tar_(tar), limits_(limits), tree_(rootfd, limits.entries) {}

  absl::StatusOr<UnpackReport> Run() {
    STAVE_RETURN_IF_ERROR(LearnOwner());
    TarEntry entry;
    while (true) {
      STAVE_ASSIGN_OR_RETURN(const bool more, tar_->Next(&entry));
      if (!more) break;
      if (++report_.entries > limits_.entries) {
        return LimitError(absl::StrCat("the layer has more than ", limits_.entries, " entries"));
      }
      const absl::Status status = Apply(entry);
      if (!status.ok()) return InContext(status, entry);
    }
    STAVE_RETURN_IF_ERROR(SettleAll());
    return std::move(report_);
  }

 private:
  absl::Status LearnOwner();
  static absl::Status InContext(const absl::Status& status, const TarEntry& entry);

  absl::Status Apply(const TarEntry& entry);
  absl::Status ApplyWhiteout(const TarEntry& entry, const Place& place);
  absl::Status MakeDirectory(const TarEntry& entry, const Place& place);
  absl::Status MakeFile(const TarEntry& entry, const Place& place);
  absl::Status MakeHardLink(const TarEntry& entry, const Place& place);
  absl::Status MakeSpecial(const TarEntry& entry, const Place& place);
  absl::Status WriteSparse(const TarEntry& entry, int fd);
  absl::Status SetNamed(const TarEntry& entry, Directory* directory);
  absl::Status SetXattrs(int fd, const Xattrs& xattrs);
  absl::Status Remember(const Directory* directory, absl::string_view name);

  // Makes something with `make` (0, or -1 and errno), after removing what is in its way.
  template <typename Make>
  absl::Status Create(const Place& place, absl::string_view act, Make make);

  absl::Status SettleAll();
  absl::Status Enter(Directory* directory, const std::string& path);
  absl::Status Leave(Directory* directory, const std::string& path);
  absl::Status SettleWhiteouts(Directory* directory, const std::string& path);
  absl::Status SetAttributes(Directory* directory);
  bool IsMine(uid_t uid, gid_t gid) const { return uid == uid_ && gid == gid_; }

  archive::TarReader* tar_;
  const UnpackLimits& limits_;
  LayerTree tree_;
  UnpackReport report_;
  uint64_t remembered_ = 0;    // bytes of paths that the report will have
  uint64_t sparse_bytes_ = 0;  // of disk, at most
  uid_t uid_ = 0;              // of new files before chown
  gid_t gid_ = 0;
};

// What is made below a set-group-ID directory gets its group and bit.
absl::Status Unpacker::LearnOwner() {
  STAVE_ASSIGN_OR_RETURN(const int fd, tree_.Open(tree_.root()));
  struct stat st;
  if (::fstat(fd, &st) < 0) return base::PosixError(errno, "layer", "stat");
  uid_ = ::geteuid();
  gid_ = ::getegid();
  if ((st.st_mode & S_ISGID) != 0 && ::fchmod(fd, 0755) < 0) {
    return base::PosixError(errno, "layer", "chmod");
  }
  tree_.root()->uid = st.st_uid;
  tree_.root()->gid = st.st_gid;
  return absl::OkStatus();
}

absl::Status Unpacker::InContext(const absl::Status& status, const TarEntry& entry) {
  // The reader's own messages begin with the entry.
  const std::string noun = absl::StrCat("\"", base::Printable(entry.path), "\"");
  return absl::StartsWith(status.message(), absl::StrCat(noun, ": "))
             ? status
             : base::WithContext(status, noun);
}

absl::Status Unpacker::Apply(const TarEntry& entry) {
  if (entry.path == ".") {
    if (entry.type != TarType::kDirectory) return TarError("the root must be a directory");
    return SetNamed(entry, tree_.root());
  }
  const size_t slash = entry.path.rfind('/');
  const bool at_top = slash == std::string::npos;
  const absl::string_view parent =
      at_top ? absl::string_view(".") : absl::string_view(entry.path).substr(0, slash);
  Place place = {nullptr, at_top ? entry.path : entry.path.substr(slash + 1)};
  if (absl::StartsWith(parent, kWhiteout) || absl::StrContains(parent, "/.wh.")) {
    if (absl::StartsWith(parent, kAufs) || absl::StrContains(parent, "/.wh..wh.")) {
      return absl::OkStatus();
    }
    return TarError("a whiteout is no directory");
  }
  if (absl::StartsWith(place.name, kAufs) && place.name != kOpaque) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(place.directory, tree_.Reach(parent));
  if (absl::StartsWith(place.name, kWhiteout)) return ApplyWhiteout(entry, place);
  if (place.directory->rare != nullptr) place.directory->rare->lower_links.erase(place.name);
  switch (entry.type) {
    case TarType::kDirectory:
      return MakeDirectory(entry, place);
    case TarType::kFile:
      return MakeFile(entry, place);
    case TarType::kHardLink:
      return MakeHardLink(entry, place);
    default:
      return MakeSpecial(entry, place);
  }
}

// Whiteouts are made at the end: the layer's own entries count, whatever the order.
absl::Status Unpacker::ApplyWhiteout(const TarEntry& entry, const Place& place) {
  // AUFS made them as hard links.
  if (entry.type != TarType::kFile && entry.type != TarType::kHardLink) {
    return TarError("a whiteout must be a file");
  }
  if (place.name == kOpaque) {
    place.directory->opaque = true;
    return absl::OkStatus();
  }
  const std::string name = place.name.substr(kWhiteout.size());
  if (name.empty() || name == "." || name == "..") return TarError("a whiteout of no name");
  if (place.directory->GetRare().whiteouts.insert(name).second) {
    return Remember(place.directory, name);
  }
  return absl::OkStatus();
}

// Bounds what the report will need.
absl::Status Unpacker::Remember(const Directory* directory, absl::string_view name) {
  remembered_ += name.size() + 8;
  for (; directory != nullptr; directory = directory->parent) {
    remembered_ += directory->name.size() + 1;
  }
  if (remembered_ > kMaxReport) return LimitError("too many whiteouts and links to lower layers");
  return absl::OkStatus();
}

template <typename Make>
absl::Status Unpacker::Create(const Place& place, absl::string_view act, Make make) {
  STAVE_ASSIGN_OR_RETURN(int fd, tree_.Open(place.directory));
  if (make(fd) == 0) return absl::OkStatus();
  if (errno == EEXIST) {
    STAVE_RETURN_IF_ERROR(tree_.Remove(place.directory, place.name));
    STAVE_ASSIGN_OR_RETURN(fd, tree_.Open(place.directory));
    if (make(fd) == 0) return absl::OkStatus();
  }
  if (errno == ENAMETOOLONG) return TarError("a name or target is too long for the file system");
  if (errno == EMLINK) return LimitError("too many hard links to one file");
  return base::PosixError(errno, base::Printable(place.name), act);
}

absl::Status Unpacker::MakeDirectory(const TarEntry& entry, const Place& place) {
  const auto known = place.directory->children.find(place.name);
  if (known != place.directory->children.end()) return SetNamed(entry, known->second.get());
  absl::StatusOr<Directory*> made = tree_.Make(place.directory, place.name);
  if (absl::IsAlreadyExists(made.status())) {
    STAVE_RETURN_IF_ERROR(tree_.Remove(place.directory, place.name));
    made = tree_.Make(place.directory, place.name);
  }
  if (!made.ok()) return made.status();
  return SetNamed(entry, *made);
}

absl::Status Unpacker::SetNamed(const TarEntry& entry, Directory* directory) {
  directory->named = true;
  directory->mode = entry.mode;
  directory->uid = entry.uid;
  directory->gid = entry.gid;
  directory->mtime = entry.mtime;
  if (!entry.xattrs.empty() || directory->rare != nullptr) {
    directory->GetRare().xattrs = entry.xattrs;
  }
  return absl::OkStatus();
}

absl::Status Unpacker::MakeFile(const TarEntry& entry, const Place& place) {
  base::UniqueFd file;
  STAVE_RETURN_IF_ERROR(Create(place, "create", [&](int dirfd) {
    file = base::UniqueFd(::openat(dirfd, place.name.c_str(),
                                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                   entry.mode & 0777));
    return file.valid() ? 0 : -1;
  }));
  if (entry.stored < entry.size) STAVE_RETURN_IF_ERROR(WriteSparse(entry, file.get()));
  while (true) {
    STAVE_ASSIGN_OR_RETURN(const absl::string_view data, tar_->ReadData());
    if (data.empty()) break;
    STAVE_RETURN_IF_ERROR(base::WriteAll(file.get(), data, base::Printable(place.name)));
  }
  report_.file_bytes += entry.stored;
  if (!IsMine(entry.uid, entry.gid) && ::fchown(file.get(), entry.uid, entry.gid) < 0) {
    return base::PosixError(errno, base::Printable(place.name), "chown");
  }
  // After chown and write, which take these bits and security.capability away.
  if ((entry.mode & 07000) != 0 && ::fchmod(file.get(), entry.mode) < 0) {
    return base::PosixError(errno, base::Printable(place.name), "chmod");
  }
  STAVE_RETURN_IF_ERROR(SetXattrs(file.get(), entry.xattrs));
  const timespec times[2] = {entry.mtime, entry.mtime};
  if (::futimens(file.get(), times) < 0) {
    return base::PosixError(errno, base::Printable(place.name), "set times");
  }
  return absl::OkStatus();
}

// Holes are free, but neither longer than a file may be nor a way to fill the disk.
absl::Status Unpacker::WriteSparse(const TarEntry& entry, int fd) {
  if (entry.size > limits_.bytes) {
    return LimitError(absl::StrCat("a sparse file of ", entry.size, " bytes"));
  }
  STAVE_ASSIGN_OR_RETURN(const uint64_t bytes,
                         WriteSparseFile(tar_, entry.size, fd, base::Printable(entry.path)));
  sparse_bytes_ += bytes;
  if (sparse_bytes_ <= limits_.bytes) return absl::OkStatus();
  return LimitError(absl::StrCat("sparse files take more than ", limits_.bytes, " bytes"));
}

absl::Status Unpacker::SetXattrs(int fd, const Xattrs& xattrs) {
  for (const auto& [name, value] : xattrs) {
    if (!IsLayerXattr(name)) {
      ++report_.dropped_xattrs;
    } else if (::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) < 0) {
      const std::string noun = absl::StrCat("xattr \"", base::Printable(name, 64), "\"");
      // Not every file system has user.*; capabilities matter.
      if (errno == EOPNOTSUPP && name != "security.capability") {
        ++report_.dropped_xattrs;
      } else if (errno == EINVAL || errno == ERANGE || errno == E2BIG) {
        return TarError(absl::StrCat(noun, ": its name or value is malformed"));
      } else {
        return base::PosixError(errno, noun, "set");
      }
    }
  }
  return absl::OkStatus();
}

absl::Status Unpacker::MakeHardLink(const TarEntry& entry, const Place& place) {
  const size_t slash = entry.link.rfind('/');
  const bool at_top = slash == std::string::npos;
  const std::string name = at_top ? entry.link : entry.link.substr(slash + 1);
  STAVE_ASSIGN_OR_RETURN(Directory* const directory,
                         tree_.Find(at_top ? "." : entry.link.substr(0, slash)));
  if (entry.link == "." || (directory == place.directory && name == place.name)) {
    return TarError("a hard link to itself or to the root");
  }
  bool missing = directory == nullptr;
  if (!missing) {
    if (directory->children.contains(name)) return TarError("a hard link to a directory");
    STAVE_ASSIGN_OR_RETURN(const int from, tree_.Open(directory));
    STAVE_RETURN_IF_ERROR(Create(place, "link", [&](int to) {
      // Flag 0: a link to a symlink is one to the symlink itself.
      if (::linkat(from, name.c_str(), to, place.name.c_str(), 0) == 0) return 0;
      missing = errno == ENOENT;
      return missing ? 0 : -1;
    }));
  }
  if (!missing) return absl::OkStatus();
  STAVE_RETURN_IF_ERROR(tree_.Remove(place.directory, place.name));
  place.directory->GetRare().lower_links[place.name] = entry.link;
  return Remember(place.directory, absl::StrCat(place.name, entry.link));
}

absl::Status Unpacker::MakeSpecial(const TarEntry& entry, const Place& place) {
  const bool is_link = entry.type == TarType::kSymlink;
  const char* name = place.name.c_str();
  if (is_link) {
    STAVE_RETURN_IF_ERROR(Create(
        place, "symlink", [&](int dirfd) { return ::symlinkat(entry.link.c_str(), dirfd, name); }));
  } else {
    if (entry.type == TarType::kCharDevice && entry.device_major == 0 && entry.device_minor == 0) {
      return TarError("a char device 0:0 would be a whiteout");
    }
    const mode_t type = entry.type == TarType::kFifo         ? S_IFIFO
                        : entry.type == TarType::kCharDevice ? S_IFCHR
                                                             : S_IFBLK;
    STAVE_RETURN_IF_ERROR(Create(place, "mknod", [&](int dirfd) {
      return ::mknodat(dirfd, name, type | entry.mode,
                       makedev(entry.device_major, entry.device_minor));
    }));
  }
  report_.dropped_xattrs += entry.xattrs.size();  // such files cannot have those that are allowed
  STAVE_ASSIGN_OR_RETURN(const int dirfd, tree_.Open(place.directory));
  if (!IsMine(entry.uid, entry.gid) &&
      ::fchownat(dirfd, name, entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) < 0) {
    return base::PosixError(errno, base::Printable(place.name), "chown");
  }
  // It has just been made and is no link.
  if (!is_link && (entry.mode & 07000) != 0 && ::fchmodat(dirfd, name, entry.mode, 0) < 0) {
    return base::PosixError(errno, base::Printable(place.name), "chmod");
  }
  const timespec times[2] = {entry.mtime, entry.mtime};
  if (::utimensat(dirfd, name, times, AT_SYMLINK_NOFOLLOW) < 0) {
    return base::PosixError(errno, base::Printable(place.name), "set times");
  }
  return absl::OkStatus();
}

// Whiteouts and the report, from the top; attributes from the bottom, since a directory's mtime
// changes with what is made in it. No recursion: directories may nest 4096 deep.
absl::Status Unpacker::SettleAll() {
  struct Frame {
    Directory* directory;
    decltype(Directory::children)::iterator next;
    size_t path_size;
  };
  std::string path;  // "" for the root
  std::vector<Frame> stack;
  STAVE_RETURN_IF_ERROR(Enter(tree_.root(), path));
  stack.push_back({tree_.root(), tree_.root()->children.begin(), 0});
  while (!stack.empty()) {
    Frame& frame = stack.back();
    path.resize(frame.path_size);
    if (frame.next == frame.directory->children.end()) {
      STAVE_RETURN_IF_ERROR(Leave(frame.directory, path));
      stack.pop_back();
      continue;
    }
    Directory* const child = (frame.next++)->second.get();
    absl::StrAppend(&path, path.empty() ? "" : "/", child->name);
    STAVE_RETURN_IF_ERROR(Enter(child, path));
    stack.push_back({child, child->children.begin(), path.size()});
  }
  return absl::OkStatus();
}

absl::Status Unpacker::Enter(Directory* directory, const std::string& path) {
  const bool is_root = directory->parent == nullptr;
  if (!is_root && (directory->parent->opaque || directory->parent->fresh)) directory->fresh = true;
  STAVE_RETURN_IF_ERROR(SettleWhiteouts(directory, path));
  if (directory->opaque) report_.opaque.push_back(is_root ? "." : path);
  if (!is_root && !directory->named && !directory->fresh) report_.implied_parents.push_back(path);
  remembered_ += directory->named && !directory->opaque ? 0 : path.size() + 8;
  if (remembered_ > kMaxReport) return LimitError("too many directories without an entry");
  return absl::OkStatus();
}

absl::Status Unpacker::Leave(Directory* directory, const std::string& path) {
  if (!directory->named) return absl::OkStatus();
  if (directory->parent == nullptr) report_.root_named = true;
  const absl::Status status = SetAttributes(directory);
  if (status.ok()) return status;
  return base::WithContext(status, absl::StrCat("\"", base::Printable(path), "\""));
}

absl::Status Unpacker::SettleWhiteouts(Directory* directory, const std::string& path) {
  if (directory->rare == nullptr) return absl::OkStatus();
  const std::string prefix = path.empty() ? "" : absl::StrCat(path, "/");
  // Where nothing is merged, a whiteout hides nothing, and overlayfs would show its name.
  const bool is_merged = !directory->opaque && !directory->fresh;
  for (const std::string& name : directory->rare->whiteouts) {
    if (!is_merged || directory->rare->lower_links.contains(name)) continue;
    const auto child = directory->children.find(name);
    if (child != directory->children.end()) {
      child->second->opaque = child->second->fresh = true;
      continue;
    }
    STAVE_ASSIGN_OR_RETURN(const int dirfd, tree_.Open(directory));
    if (::mknodat(dirfd, name.c_str(), S_IFCHR, makedev(0, 0)) == 0) {
      report_.whiteouts.push_back(absl::StrCat(prefix, name));
    } else if (errno != EEXIST) {
      return base::PosixError(errno, absl::StrCat("\"", base::Printable(prefix + name), "\""),
                              "make whiteout");
    }
  }
  for (const auto& [name, target] : directory->rare->lower_links) {
    report_.lower_links.emplace_back(absl::StrCat(prefix, name), target);
  }
  return absl::OkStatus();
}

absl::Status Unpacker::SetAttributes(Directory* directory) {
  STAVE_ASSIGN_OR_RETURN(const int fd, tree_.Open(directory));
  const bool is_root = directory->parent == nullptr;
  if ((is_root || !IsMine(directory->uid, directory->gid)) &&
      ::fchown(fd, directory->uid, directory->gid) < 0) {
    return base::PosixError(errno, "directory", "chown");
  }
  if (directory->rare != nullptr) {
    STAVE_RETURN_IF_ERROR(SetXattrs(fd, directory->rare->xattrs));
  }
  if ((is_root || directory->mode != 0755) && ::fchmod(fd, directory->mode) < 0) {
    return base::PosixError(errno, "directory", "chmod");
  }
  const timespec times[2] = {directory->mtime, directory->mtime};
  if (::futimens(fd, times) < 0) return base::PosixError(errno, "directory", "set times");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<UnpackReport> Unpack(archive::ByteSource* tar, int dirfd,
                                    const UnpackLimits& limits) {
  // The digest on this side of the threads: decoding takes as long as hashing and writing.
  archive::ReadAhead ahead(tar);
  DigestingSource digesting(&ahead, limits.bytes);
  archive::TarReader reader(&digesting);
  absl::StatusOr<UnpackReport> report = Unpacker(&reader, dirfd, limits).Run();
  if (report.ok()) {
    report->bytes = digesting.bytes();
    report->diff_id = digesting.Finish();
  }
  return report;
}

}  // namespace stave::image
