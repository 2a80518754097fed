// SPDX-License-Identifier: Apache-2.0
//
// Undoing what a killed stave command left, and ending a container by force. Everything is derived
// from the id: the cgroup is /stave/ID, the folders are the store's.

#ifndef STAVE_LIBS_RUNTIME_RECOVER_H_
#define STAVE_LIBS_RUNTIME_RECOVER_H_

#include <string>

#include "absl/status/status.h"
#include "libs/store/store.h"

namespace stave::runtime {

// The cgroup of a container when its document names none.
std::string CgroupPath(const std::string& id);

// Finishes the containers whose maker or watcher has died: kills what is left of the payload,
// removes the cgroup; one that was being made, or was to go with its end (--rm), is removed,
// another is written down as ended with an unknown code. What a monitor watched is left alone as
// long as its first process lives; a start of what existed before is only taken back. Writers call
// it first. The cost follows what is pending, not how many containers there are. Errors: the first
// one; the others are tried all the same.
absl::Status Sweep(const store::Store& store);

// Kills every process of the container and waits until its watcher has written down the end; that
// of a watcher that is gone is recovered as in Sweep. A container that does not run is fine.
// Errors: DeadlineExceeded [E_TIMEOUT] after ten seconds of a watcher that lives; those of Sweep.
absl::Status Kill(const store::Store& store, const std::string& id);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_RECOVER_H_
