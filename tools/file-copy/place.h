// SPDX-License-Identifier: Apache-2.0
//
// The two ends of a copy, found below a root: the container's, or this machine's "/".

#ifndef STAVE_TOOLS_FILE_COPY_PLACE_H_
#define STAVE_TOOLS_FILE_COPY_PLACE_H_

#include <sys/stat.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/base/unique_fd.h"
#include "libs/image/copy_rule.h"

namespace stave::tools {

struct Source {
  base::UniqueFd fd;  // O_PATH
  struct stat st = {};
  image::CopySource rule;
};

// What is at `path`; a link at its end is followed if `follow`. Errors: those of rootpath.
absl::StatusOr<Source> FindSource(int root, const image::CopyPath& path, bool follow);

struct Target {
  base::UniqueFd parent;  // O_PATH; invalid where the path is the root or ends in ".."
  base::UniqueFd self;    // O_PATH; invalid if it is not there
  struct stat st = {};
  image::CopyTarget rule;
  std::string path;  // from the root, without a link at its end
};

// Where `path` leads, through links at its end, also one that leads to nothing yet.
// Errors: NotFound if the directory that is to hold it is not there; FailedPrecondition for what is
// no directory and has a slash at its end; those of rootpath.
absl::StatusOr<Target> FindTarget(int root, const image::CopyPath& path);

// "/", open.
absl::StatusOr<base::UniqueFd> OpenMachineRoot();

// `path` of this machine from "/".
absl::StatusOr<image::CopyPath> MachinePath(absl::string_view path);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_FILE_COPY_PLACE_H_
