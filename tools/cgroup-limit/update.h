// SPDX-License-Identifier: Apache-2.0
//
// New limits, or another restart policy, for a container that is there: in its config.json, from
// which a further start takes them, and if it runs in its cgroup and its monitor.

#ifndef STAVE_TOOLS_CGROUP_LIMIT_UPDATE_H_
#define STAVE_TOOLS_CGROUP_LIMIT_UPDATE_H_

#include <string>

#include "absl/status/status.h"
#include "libs/cli/program.h"

namespace stave::cgroup_limit {

// Changes what the options name of the container `name`, and nothing else. The cgroup is
// changed first: what the kernel refuses is not written down, though of several limits the first
// may be in force then. Errors: UsageError if no limit is named, or for those of SetResources;
// NotFound [E_NO_CONTAINER], InvalidArgument [E_AMBIGUOUS]; FailedPrecondition [E_STATE] while it
// is being made; those of cgroup::PlanUpdate and Cgroup::Apply; DataLoss [E_CORRUPT].
absl::Status UpdateContainer(const cli::Invocation& options, const std::string& name);

}  // namespace stave::cgroup_limit

#endif  // STAVE_TOOLS_CGROUP_LIMIT_UPDATE_H_
