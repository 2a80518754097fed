// SPDX-License-Identifier: Apache-2.0
//
// --mount of ns-run: Docker's long form of --volume and --tmpfs, which it is turned into.
//
//   type=bind,src=/a,dst=/b,readonly                 --volume /a:/b:ro
//   type=tmpfs,target=/b,tmpfs-size=64m              --tmpfs /b:size=64m

#ifndef STAVE_TOOLS_NS_RUN_MOUNT_OPTION_H_
#define STAVE_TOOLS_NS_RUN_MOUNT_OPTION_H_

#include <string>

#include "absl/status/status.h"
#include "libs/runtime/compose.h"

namespace stave::tools {

// Adds what `text` says to the volumes or tmpfs of `options`.
// Errors: wrong usage, beginning with "--mount: ", for what it cannot say; Unimplemented
// [E_UNSUPPORTED] for a type=volume or image.
absl::Status AddMount(const std::string& text, runtime::RunOptions* options);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_NS_RUN_MOUNT_OPTION_H_
