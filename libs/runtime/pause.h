// SPDX-License-Identifier: Apache-2.0
//
// Pausing a container: its cgroup is frozen, and it bears a marker (libs/store/paused.h) so that a
// listing need not ask every freezer. Of two that pause and unpause at the same time one comes
// last, and marker and freezer agree in the end; nothing is locked.

#ifndef STAVE_LIBS_RUNTIME_PAUSE_H_
#define STAVE_LIBS_RUNTIME_PAUSE_H_

#include <string>

#include "absl/status/status.h"
#include "libs/store/containers.h"
#include "libs/store/store.h"

namespace stave::runtime {

// Whether it runs, is marked and is frozen. Looks at the freezer only if it is marked.
bool IsPaused(const store::ContainerView& container);

// Freezes it, within ten seconds. `id` is whole. Errors, with Docker's texts: NotFound
// [E_NO_CONTAINER]; FailedPrecondition [E_NOT_RUNNING] `container ID is not running`, [E_STATE]
// `container ID is already paused`, `container ID is restarting, wait until the container is
// running`; `cannot pause container ID: ..` with those of the freezer: it runs on then.
absl::Status Pause(const store::Store& store, const std::string& id);

// Lets it go on. Errors: as above; FailedPrecondition [E_STATE] `container ID is not paused`.
absl::Status Unpause(const store::Store& store, const std::string& id);

// Lets it go on if it is paused, for who has sent it a signal that is to end it. Does its best.
void ThawIfPaused(const store::Store& store, const store::ContainerView& container);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_PAUSE_H_
