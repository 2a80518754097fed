// SPDX-License-Identifier: Apache-2.0
//
// Stopping all processes of a cgroup where they are, and letting them go on.
//
//   v1: freezer.state        THAWED -> FREEZING -> FROZEN; no event says when
//   v2: cgroup.freeze "1", then "frozen 1" in cgroup.events, which poll(2) waits for
//
// On a hybrid machine v1's is used where it is mounted, as engines look there. A frozen process
// still gets its signals when it is thawed; SIGKILL works at once on v2 only (Cgroup::Kill thaws).
// Sources: kernel cgroup-v1/freezer-subsystem.rst, cgroup-v2.rst "cgroup.freeze".

#ifndef STAVE_LIBS_CGROUP_FREEZER_H_
#define STAVE_LIBS_CGROUP_FREEZER_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/cgroup/cgroup.h"

namespace stave::cgroup {

// Freezes it with all below it, and returns when all are frozen. One that is frozen is fine.
// The caller must not be in it. If it fails it is thawed.
// Errors: Aborted [E_TIMEOUT] if that is not so after `timeout` (a process in uninterruptible
// sleep); FailedPrecondition [E_CGROUP] if there is no freezer; those of write(2).
absl::Status Freeze(const Cgroup& group, absl::Duration timeout);

// Lets it go on, as far as no cgroup above or below it is frozen itself. One that is not frozen is
// fine. Errors: FailedPrecondition [E_CGROUP] if there is no freezer; those of write(2).
absl::Status Thaw(const Cgroup& group);

// Whether it was frozen, by itself and not with one above it; also while a process that came later
// is still to be stopped. Never waits. False where there is no freezer, or it is gone.
bool IsFrozen(const Cgroup& group);

}  // namespace stave::cgroup

#endif  // STAVE_LIBS_CGROUP_FREEZER_H_
