// SPDX-License-Identifier: Apache-2.0
//
// Waiting until a container has ended, or until nothing of it is left. Nothing is polled: processes
// are waited for by pidfd, files by inotify, who holds a lock by that lock.

#ifndef STAVE_LIBS_RUNTIME_AWAIT_END_H_
#define STAVE_LIBS_RUNTIME_AWAIT_END_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/deadline.h"
#include "libs/store/store.h"

namespace stave::runtime {

// Waits until the container `id` is no longer being made or started, if it is: a payload may speak
// before its state has been written. Errors: DeadlineExceeded [E_TIMEOUT]; those of inotify(7).
absl::Status AwaitMade(const store::Store& store, const std::string& id,
                       const base::Deadline& deadline);

struct SeenEnd {
  std::optional<int> code;  // absent: nobody knows
};

// Waits until the run of the container `id` (whole) that is under way has ended and that has been
// written down: exit.json is there, or with a restart policy the state of the next run, or the
// record is gone (--rm). One that does not run has ended: with what was recorded, 0 if it never
// ran. A watcher that dies without a word is recovered from (recover.h Sweep): the code is unknown
// then. nullopt: the deadline has passed. Errors: NotFound [E_NO_CONTAINER] if it is not there at
// first.
absl::StatusOr<std::optional<SeenEnd>> AwaitEnd(const store::Store& store, const std::string& id,
                                                const base::Deadline& deadline);

// Waits until the record of the container, its folders and its entry are gone, and so its cgroup,
// which goes before those. One that has never been is gone. Whoever removes it is waited for; for
// one that nobody removes that is for ever. Errors: DeadlineExceeded [E_TIMEOUT]; those of
// inotify(7) and fork(2).
absl::Status AwaitGone(const store::Store& store, const std::string& id,
                       const base::Deadline& deadline);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_AWAIT_END_H_
