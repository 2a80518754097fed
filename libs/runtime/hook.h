// SPDX-License-Identifier: Apache-2.0
//
// Running the hooks of a config: config.md "POSIX-platform Hooks".

#ifndef STAVE_LIBS_RUNTIME_HOOK_H_
#define STAVE_LIBS_RUNTIME_HOOK_H_

#include <functional>
#include <string>
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

// The same for hooks whose failure is a warning: `warn`, which may be null, gets it, and the next
// one runs.
void RunAllHooks(const std::vector<Hook>& hooks, absl::string_view kind, absl::string_view state,
                 const std::function<void(const std::string&)>& warn);

// Whether the failure of a poststart hook of a config of that version ("1.0.2-dev") is a warning:
// up to 1.2; since 1.3 it is an error that ends the container (runtime-spec runtime.md "Lifecycle",
// steps 8 and 9 of either).
bool PoststartMayFail(absl::string_view oci_version);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_HOOK_H_
