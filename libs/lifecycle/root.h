// SPDX-License-Identifier: Apache-2.0
//
// The state root: the directory in which the life cycle's processes meet, one directory a
// container.
//
//   R/ID/     a container (container.h)
//   R/ID~new  being made; R/ID~gone: being removed. Both are locked while somebody is at it; one
//             that is not was left by a killed process, holds nothing but files, and goes with the
//             next create or delete of ID. '~' is in no id.

#ifndef STAVE_LIBS_LIFECYCLE_ROOT_H_
#define STAVE_LIBS_LIFECYCLE_ROOT_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/base/unique_fd.h"

namespace stave::lifecycle {

// File names have 255 bytes, and the longest suffix here has 5.
inline constexpr size_t kMaxId = 250;

// Letters, digits and "_+-.", not "." or "..", 1..kMaxId bytes.
// Errors: InvalidArgument [E_USAGE] `invalid container id: ..`.
absl::Status CheckId(absl::string_view id);

// The path of the root: `option` (as of --root) if it is not empty, else $STAVE_RUN/oci, else
// /run/stave/oci, or $XDG_RUNTIME_DIR/stave/oci for who is not root. Variables that are empty count
// as absent. Reads the environment; touches no file. The result is absolute.
// Errors: FailedPrecondition [E_STATE] without any of them for who is not root.
absl::StatusOr<std::string> RootPath(absl::string_view option);

// stave's own folder for what a reboot may forget, whatever --root is: $STAVE_RUN, /run/stave, or
// $XDG_RUNTIME_DIR/stave. Compiled seccomp filters are kept there. It is made (0700) where it is
// missing; invalid if that fails, or if it belongs to somebody else.
base::UniqueFd OpenRunFolder();

class Root {
 public:
  // Opens it, and makes it with its parents (0700 each) where it is missing. For create and run.
  // Errors: those of mkdir(2); FailedPrecondition [E_STORE] if it belongs to somebody else, who
  // could write there what we would act upon.
  static absl::StatusOr<Root> Make(const std::string& path);

  // Opens it; one that is missing is an empty root. Errors: as Make, without making.
  static absl::StatusOr<Root> Open(const std::string& path);

  // The ids, sorted. Names that are no ids are left out. Errors: those of readdir(3).
  absl::StatusOr<std::vector<std::string>> Ids() const;

  bool is_there() const { return dir_.valid(); }
  int dir() const { return dir_.get(); }  // a directory descriptor; -1: not there
  const std::string& path() const { return path_; }

 private:
  Root(std::string path, base::UniqueFd dir) : path_(std::move(path)), dir_(std::move(dir)) {}

  std::string path_;
  base::UniqueFd dir_;
};

}  // namespace stave::lifecycle

#endif  // STAVE_LIBS_LIFECYCLE_ROOT_H_
