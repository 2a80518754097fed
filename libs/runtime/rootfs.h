// SPDX-License-Identifier: Apache-2.0
//
// The root filesystem of a document as a detached mount: an overlay of the image's layers with the
// container's own upper directory, or a clone of a given directory.

#ifndef STAVE_LIBS_RUNTIME_ROOTFS_H_
#define STAVE_LIBS_RUNTIME_ROOTFS_H_

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"
#include "libs/json/value.h"
#include "libs/mount/overlay.h"
#include "libs/store/store.h"

namespace stave::runtime {

// An image's layers, and the owner and mode of its root directory: those of the topmost layer that
// names it, as umoci has it.
struct ImageRoot {
  mount::Overlay overlay;
  uint32_t uid = 0, gid = 0;
  mode_t mode = 0755;
};

// The image's layers of `document` as lower directories, top first, checked to be in this store.
// Errors: FailedPrecondition [E_NO_IMAGE] if the document has no image; [E_STORE] if its store is
// another; NotFound with a hint if a layer is gone.
absl::StatusOr<ImageRoot> FindImageRoot(const store::Store& store, const json::Value& document);

// Makes upper/ and work/ in the folder `home` (its descriptor and absolute path) where they are
// missing, upper with the owner and mode of the image's root, and sets them in the overlay.
absl::Status MakeUpper(int home, const std::string& home_path, ImageRoot* root);

// A detached clone of the directory `path`, with what is mounted below it. With a root propagation
// (plan.h) of slave or shared, what the host mounts there later appears in it.
// Errors: NotFound; InvalidArgument [E_USAGE] for "/".
absl::StatusOr<base::UniqueFd> CloneRootfs(const std::string& path, uint64_t root_propagation = 0);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_ROOTFS_H_
