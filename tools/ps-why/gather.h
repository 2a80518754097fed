// SPDX-License-Identifier: Apache-2.0
//
// Gathers what verdict.h goes by from the store, the log, the cgroup and /proc. It reads only: it
// takes no lock and repairs nothing, and what cannot be read is missing in the result.

#ifndef STAVE_TOOLS_PS_WHY_GATHER_H_
#define STAVE_TOOLS_PS_WHY_GATHER_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/store/store.h"
#include "tools/ps-why/evidence.h"

namespace stave::tools {

// Of the container `id`. Errors: NotFound [E_NO_CONTAINER].
absl::StatusOr<Evidence> Gather(const store::Store& store, const std::string& id);

// Of one that is gone: the events of the latest that was called `text`, or had that id or one that
// begins so. nullopt: there are none.
std::optional<Evidence> GatherRemoved(const store::Store& store, absl::string_view text);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_PS_WHY_GATHER_H_
