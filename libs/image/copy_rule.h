// SPDX-License-Identifier: Apache-2.0
//
// What `file-copy SRC DEST` means: Docker's table, which is that of cp -a with an answer for every
// case. Pure.
//
//                        DEST is not there       DEST is a file       DEST is a directory
//   SRC is a file        made as DEST            replaced             made in DEST
//     .. and DEST ends   error: no such
//     with a slash       directory
//   SRC is a directory   made as DEST            error: cannot        made in DEST
//                                                copy directory
//   SRC/. (a directory)  made as DEST            error: cannot        its contents are made
//                                                copy directory       in DEST
//
// The parent of DEST must be there in any case.
//
// Sources: docker cp's manual; moby's archive/copy.go.

#ifndef STAVE_LIBS_IMAGE_COPY_RULE_H_
#define STAVE_LIBS_IMAGE_COPY_RULE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stave::image {

// An operand: "web:/etc", "./a:b", "/etc", "-".
struct CopyWord {
  std::string container;  // "" is this machine
  std::string path;       // as given; may be ""
};

// A path with a slash or a dot at its beginning is of this machine, whatever colons are in it.
CopyWord ParseCopyWord(absl::string_view word);

// A path in a container, taken from its root, with ".", ".." and empty components resolved by their
// names alone.
struct CopyPath {
  std::string path;       // "/", "/a/b"
  std::string name;       // its last component; "." for "/" and with `contents`
  bool contents = false;  // it ended in "/." or was the root: what is in the directory
  bool slash = false;     // it ended with a slash or dot: it must be a directory

  // For opening: a link at its end is followed where it had a slash.
  std::string ForOpen() const { return slash && path != "/" ? path + "/" : path; }
};
CopyPath ParseCopyPath(absl::string_view path);

struct CopySource {
  bool is_directory = false;
  std::string name;  // "." for the contents
};

struct CopyTarget {
  bool exists = false;
  bool is_directory = false;
  bool slash = false;  // it is said to be a directory
  std::string name;    // its last component
};

struct CopyPlan {
  bool into = false;  // in DEST itself; else in its parent
  std::string name;   // of what is made there; ".": the contents
};

// Errors: FailedPrecondition `cannot copy directory`; NotFound `no such directory`.
absl::StatusOr<CopyPlan> PlanCopy(const CopySource& source, const CopyTarget& target);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_COPY_RULE_H_
