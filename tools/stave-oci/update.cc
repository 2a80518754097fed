// SPDX-License-Identifier: Apache-2.0
#include "absl/status/statusor.h"
#include "libs/base/status_macros.h"
#include "libs/lifecycle/control.h"
#include "tools/stave-oci/call.h"
#include "tools/stave-oci/commands.h"
#include "tools/stave-oci/update_resources.h"

namespace stave::stave_oci {
namespace {

absl::StatusOr<int> Run(const cli::VerbCall& call) {
  STAVE_RETURN_IF_ERROR(CheckOperands(call, "update", 1, 1));
  STAVE_ASSIGN_OR_RETURN(const json::Value resources, RequestedResources(call.own));
  for (const char* option : {"kernel-memory", "kernel-memory-tcp"}) {
    if (call.own.Has(option)) call.warn("kernel memory settings are ignored");
  }
  STAVE_ASSIGN_OR_RETURN(const lifecycle::Root root, OpenRoot(call));
  STAVE_RETURN_IF_ERROR(lifecycle::Update(root, call.own.operands()[0], resources));
  return 0;
}

}  // namespace

cli::Verb UpdateVerb() {
  return {Table("update", "[OPTION...] ID", "change the limits of a container", UpdateOptions()),
          Run};
}

}  // namespace stave::stave_oci
