// SPDX-License-Identifier: Apache-2.0
//
// Executing oneself anew from a place where nobody can write.
//
// In a pid namespace that others are in already, /proc/PID/exe of a process of ours is a way to our
// own executable, and who holds CAP_SYS_PTRACE there may keep it open and write to it once it has
// ended (CVE-2019-5736). Executed through a read-only detached mount it cannot be opened for
// writing, by nobody. Exec does not need this: enter.h.

#ifndef STAVE_LIBS_RUNTIME_SEALED_SELF_H_
#define STAVE_LIBS_RUNTIME_SEALED_SELF_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace stave::runtime {

// Whether this program's file lies on a read-only mount. Errors: those of looking at it.
absl::StatusOr<bool> IsSealed();

// Returns if it is sealed; else executes it again, with the same
// arguments and environment, through one. Comes before anything that is not to be done twice.
// Errors: those of open_tree(2), mount_setattr(2) and execveat(2).
absl::Status SealSelf();

// The same with other arguments, argv[0] first.
absl::Status SealSelf(const std::vector<std::string>& words);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_SEALED_SELF_H_
