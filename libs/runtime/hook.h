// SPDX-License-Identifier: Apache-2.0
//
// Running the hooks of a config: config.md "POSIX-platform Hooks".

#ifndef STAVE_LIBS_RUNTIME_HOOK_H_
#define STAVE_LIBS_RUNTIME_HOOK_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "libs/runtime/plan.h"

namespace stave::runtime {

// Runs `hooks` one after the other in the caller's namespaces, each with `state` on its stdin, its
// own argv and environment, and no descriptor but 0, 1 and 2. Stops at the first that cannot be
// executed, exits with another code than 0, or runs longer than its timeout (it is killed then).
// `kind` ("prestart") is for messages, which hold the first 1024 bytes of what it wrote to stderr.
// Errors: Aborted [E_HOOK]; DeadlineExceeded [E_HOOK].
absl::Status RunHooks(const std::vector<Hook>& hooks, absl::string_view kind,
                      absl::string_view state);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_HOOK_H_
