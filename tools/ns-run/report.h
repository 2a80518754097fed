// SPDX-License-Identifier: Apache-2.0
//
// ns-run --report: what the kernel enforces on a container that runs.

#ifndef STAVE_TOOLS_NS_RUN_REPORT_H_
#define STAVE_TOOLS_NS_RUN_REPORT_H_

#include <string>

#include "absl/status/statusor.h"
#include "libs/json/value.h"

namespace stave {

// `name`: a container's name or id, or, with a slash in it, a state directory of stave-oci.
// Errors: NotFound; FailedPrecondition [E_STATE] `container not running`.
absl::StatusOr<json::Value> ReportOn(const std::string& name);

}  // namespace stave

#endif  // STAVE_TOOLS_NS_RUN_REPORT_H_
