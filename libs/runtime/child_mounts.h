// SPDX-License-Identifier: Apache-2.0
//
// The child's mounts: the container's tree is built under a mount descriptor, by descriptors, and
// becomes / in the end. Internal to libs/runtime.
//
// No path of the container is used by name: destinations are opened with openat2(RESOLVE_IN_ROOT)
// and mounted over by descriptor (move_mount), so a volume whose folders turn into symlinks
// meanwhile (CVE-2021-30465, CVE-2025-31133 and their kin) leads nowhere.

#ifndef STAVE_LIBS_RUNTIME_CHILD_MOUNTS_H_
#define STAVE_LIBS_RUNTIME_CHILD_MOUNTS_H_

#include "absl/status/status.h"
#include "libs/base/unique_fd.h"
#include "libs/runtime/child.h"

namespace stave::runtime {

// What later steps need of the mounts.
struct MountedTree {
  base::UniqueFd proc;  // a clone of the container's procfs, where something is to be written to it
  base::UniqueFd pts;   // its devpts
};

// Where the root is attached before it becomes /: where createContainer hooks look for it; else
// somewhere that root of any user namespace may reach and where the host has nothing that is needed
// from then on. Opened by the child, since a descriptor of the parent's is in the parent's mount
// namespace, and before it takes another user's ids, who may not be let into the bundle.
absl::StatusOr<base::UniqueFd> OpenPlace(const LaunchRequest& request);

// Attaches the root at `place`, makes the mounts in their order, devices and links under /dev,
// read-only and masked paths. Messages name the member of the config.
absl::StatusOr<MountedTree> BuildTree(const ChildInputs& inputs, int place);

// pivot_root(2) into the tree; the old root is gone afterwards. Then the root's own propagation.
absl::Status EnterTree(const ChildInputs& inputs);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_CHILD_MOUNTS_H_
