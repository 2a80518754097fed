// SPDX-License-Identifier: Apache-2.0
//
// Paths inside a tree that somebody else filled (a layer, a container's root): none is ever used by
// name. openat2(2) opens it and the descriptor is used from there on.
//
//   path "etc/passwd" or "/etc/passwd", and a link etc -> /private/etc inside the tree
//   OpenInRoot    follows links as if the tree were /: opens ROOT/private/etc/passwd
//   OpenBeneath   follows none: FailedPrecondition
//
// All opens are O_CLOEXEC, no magic link of /proc is followed, and a lookup that raced with a
// rename is tried again. Messages name the path, escaped. Symlinks that loop: FailedPrecondition
// [E_STATE]. Kernel: 5.6.

#ifndef STAVE_LIBS_ROOTPATH_ROOTPATH_H_
#define STAVE_LIBS_ROOTPATH_ROOTPATH_H_

#include <sys/types.h>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/base/unique_fd.h"

namespace stave::rootpath {

// Opens `path` with the open(2) flags `flags` (not O_CREAT). Links, also the last one unless
// O_NOFOLLOW is given, and ".." stay within the tree of `rootfd`. "" and "." and "/" are the root.
// Errors: NotFound and the others of openat2(2).
absl::StatusOr<base::UniqueFd> OpenInRoot(int rootfd, absl::string_view path, int flags);

// The same for a path that must go through no link and no "..". Leading slashes are ignored. With
// O_PATH|O_NOFOLLOW the last component may be a link and is opened itself. Paths may be longer
// than PATH_MAX. Errors: FailedPrecondition for a link or a way out; NotFound and others.
absl::StatusOr<base::UniqueFd> OpenBeneath(int rootfd, absl::string_view path, int flags);

// Opens the directory `path` (O_RDONLY|O_DIRECTORY), links followed as in OpenInRoot, and makes
// what is missing of it with exactly `mode`; a link that points at nothing gets its target made,
// inside the tree. Errors: FailedPrecondition if a component is something else; those of mkdir(2).
// If it fails half way, the directories made so far stay.
absl::StatusOr<base::UniqueFd> MakeDirsInRoot(int rootfd, absl::string_view path, mode_t mode);

// Opens the non-directory `path` as O_PATH and makes it as an empty regular file of `mode` where it
// is missing, its parents with MakeDirsInRoot(0755). What a file is to be mounted over needs that.
// Errors: FailedPrecondition if a directory or a dangling link is there.
absl::StatusOr<base::UniqueFd> MakeFileInRoot(int rootfd, absl::string_view path, mode_t mode);

}  // namespace stave::rootpath

#endif  // STAVE_LIBS_ROOTPATH_ROOTPATH_H_
