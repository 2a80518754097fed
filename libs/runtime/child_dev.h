// SPDX-License-Identifier: Apache-2.0
//
// The container's /dev: devices, links, console. Internal to libs/runtime.

#ifndef STAVE_LIBS_RUNTIME_CHILD_DEV_H_
#define STAVE_LIBS_RUNTIME_CHILD_DEV_H_

#include "absl/status/status.h"
#include "libs/runtime/child_mounts.h"

namespace stave::runtime {

// The default devices (runtime-linux.md) and those of the plan, and the links under /dev. In a user
// namespace, where nothing can be made, the host's are bound. A /dev that is bound stays as it is,
// as with other runtimes: it may be the host's, whose ptmx would be replaced.
absl::Status MakeDev(const ChildInputs& inputs, const MountedTree& mounted);

// The terminal `slave` at /dev/console. Errors: FailedPrecondition for a symbolic link there.
absl::Status MountConsole(int root, int slave);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_CHILD_DEV_H_
