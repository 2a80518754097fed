// SPDX-License-Identifier: Apache-2.0
//
// delete: what create made goes.
//
// The order: processes, cgroup, unit of systemd, R/ID, then the hooks poststop. Killed anywhere,
// the next `delete --force` finds what is left.

#ifndef STAVE_LIBS_LIFECYCLE_REMOVE_H_
#define STAVE_LIBS_LIFECYCLE_REMOVE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "libs/cgroup/cgroup.h"
#include "libs/lifecycle/container.h"
#include "libs/lifecycle/record.h"
#include "libs/lifecycle/root.h"
#include "libs/lifecycle/warn.h"
#include "libs/runtime/plan.h"

namespace stave::lifecycle {

enum class Force { kNo, kYes };

// Deletes `id`, which must be stopped (runtime.md "Delete"). kYes: any other is killed first; one
// that does not exist is fine; of one whose state.json is damaged only what follows from its id
// goes: R/ID and the cgroup /stave/ID.
// Hooks that fail are warnings. Errors: NotFound (Container::Open); FailedPrecondition [E_RUNNING]
// `cannot delete container ID that is not stopped: running`; DataLoss [E_CORRUPT] and, if its
// processes do not die within ten seconds, FailedPrecondition [E_STATE]: then R/ID stays.
absl::Status Delete(const Root& root, absl::string_view id, Force force, const Warn& warn);

// What the maker of a container still has of it, so that it need not be found again.
struct Known {
  cgroup::Cgroup* group = nullptr;        // nullptr: by its record
  const runtime::Hooks* hooks = nullptr;  // nullptr: by its config.json
};

// The same for who holds the lock already. Errors: as Delete; then R/ID stays.
absl::Status DeleteLocked(const Root& root, Container* container, const Condition& condition,
                          const Warn& warn, Known known = {});

// Waits for the lock and kills what whoever has it may be waiting for: the container's processes.
// Errors: NotFound as Container::Lock; FailedPrecondition [E_STATE] after ten seconds.
absl::Status LockByForce(Container* container);

// Runs all of them, whatever becomes of each; failures are warnings.
void RunPoststop(const runtime::Hooks& hooks, const Record& record, const Warn& warn);

}  // namespace stave::lifecycle

#endif  // STAVE_LIBS_LIFECYCLE_REMOVE_H_
