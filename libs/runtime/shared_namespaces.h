// SPDX-License-Identifier: Apache-2.0
//
// What a container has together with another that runs: its network, its processes, its queues and
// shared memory, where `mode` of stave.network, stave.pid or stave.ipc is "container:NAME". The
// document keeps the intent; each run looks anew.

#ifndef STAVE_LIBS_RUNTIME_SHARED_NAMESPACES_H_
#define STAVE_LIBS_RUNTIME_SHARED_NAMESPACES_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"
#include "libs/json/value.h"
#include "libs/oci/stave_member.h"
#include "libs/runtime/plan.h"
#include "libs/store/store.h"

namespace stave::runtime {

// Whether others are in the pid namespace of the container of `document` already, by stave.pid or
// by a path: who launches it is seen by them, and has to be sealed (sealed_self.h).
bool SharesProcesses(const json::Value& document);

// Whether it has a pid namespace of its own: all in it end with the first process.
bool HasOwnProcesses(const json::Value& document);

// Puts the whole ids of the other containers for what they are called: a name may be another's
// later. Errors: NotFound [E_NO_CONTAINER], and what FindContainer says besides.
absl::Status NameByIds(const store::Store& store, json::Value* document);

// Puts the namespaces of the other containers into `plan`, where it has such a namespace; with ipc
// the other's tmpfs on /dev/shm comes in place of the plan's own, if both have one. The descriptors
// are what `plan` refers to until it is launched. The caller has one thread.
// Errors: NotFound [E_NO_CONTAINER]; FailedPrecondition [E_NOT_RUNNING], with the option's name;
// those of opening. `plan` is of no use after an error.
absl::StatusOr<std::vector<base::UniqueFd>> ShareNamespaces(const store::Store& store,
                                                            const oci::StaveMember& member,
                                                            Plan* plan);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_SHARED_NAMESPACES_H_
