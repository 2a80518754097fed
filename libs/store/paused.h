// SPDX-License-Identifier: Apache-2.0
//
// The marker of a container that a user has paused: an empty file, RUN/containers/ID/paused. It is
// made before the cgroup is frozen and removed after it was thawed: what is frozen bears it, and a
// listing asks the freezer only where it is. By itself it proves nothing: who was to freeze may
// have been killed, and a container that was started anew is not paused.

#ifndef STAVE_LIBS_STORE_PAUSED_H_
#define STAVE_LIBS_STORE_PAUSED_H_

#include <string>

#include "absl/status/status.h"
#include "libs/store/container.h"

namespace stave::store {

// Makes it; one that is there is fine. Errors: those of open(2).
absl::Status MarkPaused(const Container& container);

// Removes it; none is fine. Errors: those of unlink(2).
absl::Status UnmarkPaused(const Container& container);

// Whether container `id` has one; `containers` is the directory RUN/containers.
bool HasPausedMark(int containers, const std::string& id);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_PAUSED_H_
