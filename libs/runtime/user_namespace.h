// SPDX-License-Identifier: Apache-2.0
//
// User namespaces: their id maps, and a namespace that exists only to be named by a descriptor, as
// an idmapped mount wants it (mount_setattr(2) MOUNT_ATTR_IDMAP).

#ifndef STAVE_LIBS_RUNTIME_USER_NAMESPACE_H_
#define STAVE_LIBS_RUNTIME_USER_NAMESPACE_H_

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"
#include "libs/runtime/plan.h"

namespace stave::runtime {

// The host's id of the container's `id`; `id` itself where nothing maps it.
uint32_t HostId(const std::vector<IdMapping>& mappings, uint32_t id);

// Writes /proc/PID/uid_map and gid_map of a process that is new in its user namespace:
// user_namespaces(7). Errors: those of write(2).
absl::Status WriteIdMaps(pid_t pid, const Plan& plan);

// A user namespace with these maps, without a process in it.
// Errors: those of clone(2) and of write(2).
absl::StatusOr<base::UniqueFd> MakeUserNamespace(const std::vector<IdMapping>& uids,
                                                 const std::vector<IdMapping>& gids);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_USER_NAMESPACE_H_
