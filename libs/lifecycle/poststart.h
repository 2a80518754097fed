// SPDX-License-Identifier: Apache-2.0
//
// The hooks poststart. What a failure means depends on the config's version: a warning, or an error
// that ends the container (runtime::PoststartMayFail).

#ifndef STAVE_LIBS_LIFECYCLE_POSTSTART_H_
#define STAVE_LIBS_LIFECYCLE_POSTSTART_H_

#include <sys/types.h>

#include <vector>

#include "absl/status/status.h"
#include "libs/lifecycle/record.h"
#include "libs/lifecycle/warn.h"
#include "libs/runtime/plan.h"

namespace stave::lifecycle {

// Errors: those of runtime::RunHooks, if they may not fail.
absl::Status RunPoststart(const std::vector<runtime::Hook>& hooks, const Record& record, pid_t pid,
                          const Warn& warn);

}  // namespace stave::lifecycle

#endif  // STAVE_LIBS_LIFECYCLE_POSTSTART_H_
