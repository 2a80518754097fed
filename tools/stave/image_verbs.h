// SPDX-License-Identifier: Apache-2.0
//
// The commands about images, registries and the store.

#ifndef STAVE_TOOLS_STAVE_IMAGE_VERBS_H_
#define STAVE_TOOLS_STAVE_IMAGE_VERBS_H_

#include "absl/types/span.h"
#include "tools/stave/verb.h"

namespace stave::tools {

absl::Span<const Verb> ImageVerbs();

}  // namespace stave::tools

#endif  // STAVE_TOOLS_STAVE_IMAGE_VERBS_H_
