// SPDX-License-Identifier: Apache-2.0
//
// Mounts as descriptors: made detached (fsmount, open_tree), changed while nobody sees them, and
// attached by descriptor (move_mount), so that no path is used twice.
//
// Sources: fsopen(2), fsconfig(2), fsmount(2), open_tree(2), move_mount(2), mount_setattr(2).
// Kernel floor: 5.12 for mount_setattr (5.2 for the rest).

#ifndef STAVE_LIBS_MOUNT_TREE_H_
#define STAVE_LIBS_MOUNT_TREE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/base/unique_fd.h"

namespace stave::mount {

// One parameter of a file system: "size=65536k", or a bare word when `value` is empty.
using Parameter = std::pair<std::string, std::string>;

// A new detached mount of `type`. `attributes` is a set of MOUNT_ATTR_*. `source` may be "".
// Errors: those of the four calls; the message holds the kernel's own line from the context where
// it wrote one ("overlay: Unknown parameter 'x'").
absl::StatusOr<base::UniqueFd> MakeFilesystem(const std::string& type, const std::string& source,
                                              const std::vector<Parameter>& parameters,
                                              uint64_t attributes);

enum class Depth { kMount, kTree };  // the one mount, or the mounts below it too (rbind)

// A detached copy of what is mounted at `path` below `dirfd`; `path` may be "" for dirfd itself.
// A last symlink is followed.
absl::StatusOr<base::UniqueFd> CloneTree(int dirfd, const std::string& path, Depth depth);

// mount_setattr(2): sets and clears MOUNT_ATTR_* and, if not 0, changes the propagation
// (MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE).
absl::Status SetAttributes(int mountfd, uint64_t set, uint64_t clear, uint64_t propagation,
                           Depth depth);

// Changes parameters of the file system that is mounted at `target` (O_PATH is enough).
// Errors: those of fspick(2) and fsconfig(2).
absl::Status Reconfigure(int target, const std::vector<Parameter>& parameters);

// Shows the files of a detached mount with their owners mapped as in the user namespace `user`
// (MOUNT_ATTR_IDMAP). Errors: InvalidArgument [E_UNSUPPORTED] for a file system that cannot do it.
absl::Status MapIds(int mountfd, int user, Depth depth);

// Attaches the detached mount to the directory or file that `target` is open on (O_PATH is enough).
absl::Status Attach(int mountfd, int target, absl::string_view noun);

}  // namespace stave::mount

#endif  // STAVE_LIBS_MOUNT_TREE_H_
