// SPDX-License-Identifier: Apache-2.0
//
// The entries of a directory tree on the disk, in an order that follows from the names alone: a
// directory before what is in it, names in the order of their bytes.
//
//   TreeReader reader({}, take, tell);
//   STAVE_RETURN_IF_ERROR(reader.ReadTree(fd, "etc"));   // etc, etc/hostname, etc/passwd ..
//
// The tree may be somebody else's, who changes it meanwhile. Every entry is opened once, as O_PATH,
// by its one component below the descriptor of its directory, and read through that descriptor: no
// link is followed, nothing is opened that has not been seen to be a file or a directory, and what
// is told of an entry is true of what is read. What has gone since its directory was listed is left
// out. A file that is being written has the size it had when it was opened: what it lacks then is a
// hole, and told.
//
// A file that was handed over before under another name comes as a hard link to that. Sockets are
// left out, and told. Extended attributes: those of IsLayerXattr (xattr.h) that have no '=' in
// their name.
//
// Paths have at most archive::kMaxName bytes, as in a tar that is read: whoever fills the tree
// could nest directories until memory ends.
//
// Memory: the names of one path's directories, and 32 bytes for each file with several names. At
// most 64 descriptors are open.

#ifndef STAVE_LIBS_IMAGE_TREE_READER_H_
#define STAVE_LIBS_IMAGE_TREE_READER_H_

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "libs/image/tree_entry.h"

namespace stave::image {

// Where a tree ends: mount points that are told as empty directories and files.
struct TreeBounds {
  enum class Mounts {
    kCross,  // but for those in `closed`, and file systems that the kernel makes up (proc, sysfs
             // ..)
    kStop,   // all
  };
  Mounts mounts = Mounts::kCross;
  std::set<uint64_t> closed = {};  // ids of mounts, as statx(2) tells them
};

// Whether `fd` is on a file system that holds no files of anybody's: proc, sysfs, cgroup, devpts
// and their kin.
bool IsKernelFilesystem(int fd);

class TreeReader {
 public:
  TreeReader(TreeBounds bounds, TakeEntry take, TellOmission tell)
      : bounds_(std::move(bounds)), take_(std::move(take)), tell_(std::move(tell)) {}

  // What `fd`, an O_PATH descriptor, is open on, as `path` (TarEntry::path; "." for a root).
  // Errors: those of `take` and of the system calls, with the path; ResourceExhausted [E_LIMIT] for
  // one that is too long.
  absl::Status ReadEntry(int fd, const std::string& path);

  // The same, and all that is below it. `fd` itself may be a mount point.
  absl::Status ReadTree(int fd, const std::string& path);

  // From now on the directory with these numbers is told and left out, with all that is below it:
  // the copy, say, while it is being made within what is copied.
  void Exclude(dev_t device, ino_t inode) { excluded_.emplace(device, inode); }

 private:
  struct Folder;
  enum class Told { kDirectory, kOther };

  absl::StatusOr<Told> Take(int fd, const std::string& path, bool closed);
  absl::Status TakeFile(int fd, archive::TarEntry* entry);
  absl::Status ReadFolders(int fd, const std::string& path);
  absl::Status EnterChild(Folder* folder, const std::string& name, std::string* path,
                          std::vector<Folder>* stack);
  bool IsClosed(int fd) const;
  bool IsLink(const struct stat& st, archive::TarEntry* entry);
  void Tell(const std::string& path, absl::string_view why) const;

  TreeBounds bounds_;
  TakeEntry take_;
  TellOmission tell_;
  std::map<std::pair<dev_t, ino_t>, std::string> first_names_;  // of files with several
  std::set<std::pair<dev_t, ino_t>> excluded_;
};

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_TREE_READER_H_
