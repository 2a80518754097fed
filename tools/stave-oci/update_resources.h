// SPDX-License-Identifier: Apache-2.0
//
// What `update` asks for, as a linux.resources object.

#ifndef STAVE_TOOLS_STAVE_OCI_UPDATE_RESOURCES_H_
#define STAVE_TOOLS_STAVE_OCI_UPDATE_RESOURCES_H_

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "libs/cli/program.h"
#include "libs/json/value.h"

namespace stave::stave_oci {

// The options of `update`.
absl::Span<const cli::Option> UpdateOptions();

// With --resources: that file, or stdin for "-"; the other options are not looked at, as in runc.
// Else what the options say. Errors: UsageError for a value that is none, or if nothing is asked
// for; those of reading the file; InvalidArgument [E_JSON], [E_DOCUMENT] if it is no object;
// Unimplemented [E_UNSUPPORTED] for Intel RDT.
absl::StatusOr<json::Value> RequestedResources(const cli::Invocation& own);

}  // namespace stave::stave_oci

#endif  // STAVE_TOOLS_STAVE_OCI_UPDATE_RESOURCES_H_
