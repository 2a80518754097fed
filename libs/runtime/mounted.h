// SPDX-License-Identifier: Apache-2.0
//
// `layer-mount --now`: a container's root filesystem, mounted for a human or a foreign runtime. The
// caller owns it, as with mount(8), and takes it away with Unmount.
//
//   STATE/mounts/ID/   upper/ work/ boot (the boot id of the mount; not there before it, nor after)
//
// The next MountNow removes the upper directories that no mount needs: what a reboot has unmounted,
// and what a killed call left. A mount that was there when its maker was killed stays, for Unmount.

#ifndef STAVE_LIBS_RUNTIME_MOUNTED_H_
#define STAVE_LIBS_RUNTIME_MOUNTED_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/json/value.h"
#include "libs/store/store.h"

namespace stave::runtime {

// Mounts the image's layers of `document` at the directory `target` and returns its absolute path.
// A writable one gets an upper directory of its own. Nothing is left behind on failure.
// Errors: those of FindImageRoot and mount; NotFound for `target`.
absl::StatusOr<std::string> MountNow(const store::Store& store, const json::Value& document,
                                     const std::string& target);

// Unmounts what MountNow mounted at `target` and removes its upper directory.
// Errors: FailedPrecondition [E_NOT_MOUNTED] if no such mount is there; those of umount(2), and
// then nothing has been removed.
absl::Status Unmount(const store::Store& store, const std::string& target);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_MOUNTED_H_
