// SPDX-License-Identifier: Apache-2.0
//
// Whole lines, appended to json.log; when that is full it becomes json.log.1, and so on (files.h).
//
// Nothing here stops who writes. What cannot be stored (a full disk, a file system that has become
// read-only) is counted and thrown away, and each later piece is tried anew. No line is ever torn:
// not by rotation, and what a failing write left of one is cut off again. One that was torn by the
// end of an earlier writer is ended with a newline first.

#ifndef STAVE_LIBS_LOG_ROTATING_FILE_H_
#define STAVE_LIBS_LOG_ROTATING_FILE_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/base/unique_fd.h"

namespace stave::log {

// Docker's json-file keeps one file without end; stave is bounded (design section 5).
struct Limits {
  int64_t max_size = int64_t{10} << 20;  // bytes of a file; -1: any
  int max_files = 3;                     // with json.log; 1 to kMaxNumber
};

struct Loss {
  uint64_t lines = 0;  // that could not be stored since it was last set
  int error = 0;       // why the last of them could not
};

class RotatingFile {
 public:
  // Opens, or makes with mode 0600, json.log in the folder; `dirfd` is duplicated. Files above
  // limits.max_files are removed.
  // A full disk, one that is read-only, and a lack of descriptors or memory are no errors: lines
  // are lost until that has passed. Errors: the others of openat(2), a symlink or what is no
  // regular file among them; those of dup(2).
  static absl::StatusOr<RotatingFile> Open(int dirfd, const Limits& limits);

  // Stores `lines`, each ended by a newline, with one write(2) unless a rotation comes between. A
  // line that is longer than a file may be gets one of its own.
  void Append(absl::string_view lines);

  const Loss& loss() const { return loss_; }
  void SetLoss(const Loss& loss) { loss_ = loss; }

 private:
  RotatingFile(base::UniqueFd folder, const Limits& limits);

  // These return 0, or errno of what failed.
  int OpenNewest();
  int Rotate();
  int EndTornLine();

  // How many of the bytes of `lines` are whole lines that fit in.
  size_t Room(absl::string_view lines);
  void Store(absl::string_view lines);
  void Lose(absl::string_view lines, int error);

  base::UniqueFd folder_;
  Limits limits_;
  base::UniqueFd file_;  // invalid after a rotation, until the new one is made
  int64_t size_ = 0;
  bool torn_ = false;  // its last line has no end
  Loss loss_;
};

}  // namespace stave::log

#endif  // STAVE_LIBS_LOG_ROTATING_FILE_H_
