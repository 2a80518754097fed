// SPDX-License-Identifier: Apache-2.0
//
// The user that a process runs as, looked up in the own /etc/passwd and /etc/group of a root
// filesystem that is a directory: a plain one, or that of a container that runs (/proc/PID/root).

#ifndef STAVE_LIBS_RUNTIME_ROOT_USER_H_
#define STAVE_LIBS_RUNTIME_ROOT_USER_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/oci/user.h"

namespace stave::runtime {

// `root` is a directory's descriptor (O_PATH is enough); no link leads out of it. A file that is
// not there, or no regular file, is an empty one; `spec` as in oci/user.h.
// Errors: those of oci::ResolveUser; ResourceExhausted [E_LIMIT] for a file above
// oci::kMaxUserFile; FailedPrecondition for symlinks that loop.
absl::StatusOr<oci::User> ResolveUserInRoot(int root, absl::string_view spec);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_ROOT_USER_H_
