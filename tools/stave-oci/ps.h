// SPDX-License-Identifier: Apache-2.0
//
// The lines of ps(1) that are of some processes.

#ifndef STAVE_TOOLS_STAVE_OCI_PS_H_
#define STAVE_TOOLS_STAVE_OCI_PS_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stave::stave_oci {

// The header and the lines of `pids` in what ps(1) has printed.
// Errors: InvalidArgument if its header has no column PID.
absl::StatusOr<std::string> LinesOf(absl::string_view output, const std::vector<pid_t>& pids);

}  // namespace stave::stave_oci

#endif  // STAVE_TOOLS_STAVE_OCI_PS_H_
