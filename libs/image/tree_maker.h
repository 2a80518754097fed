// SPDX-License-Identifier: Apache-2.0
//
// Makes entries below a directory that has other things in it, perhaps while somebody changes it:
// what cp and tar do, with Docker's rules.
//
// - a directory over a directory changes its attributes and keeps what is in it; "." itself is left
//   as it is; a directory over anything else, or anything else over a directory, is an error;
// - any other entry takes the place of what bears its name. A file that a mount covers, which
//   cannot be removed, is written anew in its place;
// - everything is made by its last component below the descriptor of a directory, O_EXCL, and gets
//   its attributes through a descriptor that has been seen to be it. On the way to that directory
//   no link is followed; or, if asked for, only within a given root, and what is missing is made;
// - holes stay holes; of extended attributes those of IsLayerXattr (xattr.h) are set, and where the
//   file system has none it is told;
// - times of directories are set at the end.
//
// The process's umask must be 0. Privilege: CHOWN, DAC_OVERRIDE, FOWNER, FSETID, MKNOD, SETFCAP for
// what the entries ask.

#ifndef STAVE_LIBS_IMAGE_TREE_MAKER_H_
#define STAVE_LIBS_IMAGE_TREE_MAKER_H_

#include <sys/stat.h>
#include <time.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "libs/base/unique_fd.h"
#include "libs/image/tree_entry.h"

namespace stave::image {

struct TreePlace {
  int top = -1;           // borrowed: the directory in which the entries are made
  std::string noun = "";  // what messages call it
  // Borrowed: the root in which links on the way to an entry are followed, and where in it `top`
  // is. -1: none is followed, and a directory that is missing is an error.
  int link_root = -1;
  std::string path_in_root = "";
};

class TreeMaker {
 public:
  TreeMaker(TreePlace place, TellOmission tell)
      : place_(std::move(place)), tell_(std::move(tell)) {}

  // Makes one entry. Errors, with its name: FailedPrecondition `cannot overwrite directory ..`,
  // `cannot overwrite non-directory ..`, and for a link on the way; those of the data and of the
  // system calls. What has been made stays.
  absl::Status Take(const archive::TarEntry& entry, EntryData* data);

  // Sets the times of directories. One that has been exchanged meanwhile is left alone.
  absl::Status Finish();

 private:
  struct Spot {  // of an entry: the directory and its name there
    int dirfd;
    const char* name;
  };
  struct Time {
    std::string path;
    dev_t device;
    ino_t inode;
    timespec time;
  };

  absl::StatusOr<int> OpenParent(absl::string_view path);
  absl::Status MakeRoom(const archive::TarEntry& entry, const Spot& spot, bool* busy);
  absl::Status MakeDirectory(const archive::TarEntry& entry, const Spot& spot);
  absl::Status MakeFile(const archive::TarEntry& entry, const Spot& spot, EntryData* data);
  absl::Status MakeHardLink(const archive::TarEntry& entry, const Spot& spot);
  absl::Status MakeSpecial(const archive::TarEntry& entry, const Spot& spot);
  absl::Status SetXattrs(int fd, const archive::TarEntry& entry);
  void Omit(const archive::TarEntry& entry, absl::string_view why);

  TreePlace place_;
  TellOmission tell_;
  std::string parent_path_;  // what parent_ is open on; entries of one directory follow each other
  base::UniqueFd parent_;
  std::vector<Time> times_;
  std::set<std::string> omitted_;
  bool told_xattrs_ = false;
};

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_TREE_MAKER_H_
