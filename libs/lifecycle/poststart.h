// SPDX-License-Identifier: Apache-2.0
//
// The hooks poststart. What a failure means depends on the config's version: up to 1.2 a warning,
// and the next hook runs; since 1.3 an error that ends the container (runtime-spec runtime.md
// "Lifecycle", steps 8 and 9 of either).

#ifndef STAVE_LIBS_LIFECYCLE_POSTSTART_H_
#define STAVE_LIBS_LIFECYCLE_POSTSTART_H_

#include <sys/types.h>

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "libs/lifecycle/record.h"
#include "libs/lifecycle/warn.h"
#include "libs/runtime/plan.h"

namespace stave::lifecycle {

// Whether a poststart hook of a config of that version ("1.0.2-dev") may fail.
bool PoststartMayFail(absl::string_view oci_version);

// Errors: those of runtime::RunHooks, if they may not fail.
absl::Status RunPoststart(const std::vector<runtime::Hook>& hooks, const Record& record, pid_t pid,
                          const Warn& warn);

}  // namespace stave::lifecycle

#endif  // STAVE_LIBS_LIFECYCLE_POSTSTART_H_
