// SPDX-License-Identifier: Apache-2.0
//
// run and create: image-fetch, cgroup-limit where there are limits, and ns-run; update, which
// changes those limits.

#ifndef STAVE_TOOLS_STAVE_RUN_VERBS_H_
#define STAVE_TOOLS_STAVE_RUN_VERBS_H_

#include "absl/types/span.h"
#include "tools/stave/verb.h"

namespace stave::tools {

absl::Span<const Verb> RunVerbs();

}  // namespace stave::tools

#endif  // STAVE_TOOLS_STAVE_RUN_VERBS_H_
