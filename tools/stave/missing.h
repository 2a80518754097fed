// SPDX-License-Identifier: Apache-2.0
//
// Docker's commands and flags that stave does not have, each with the reason.

#ifndef STAVE_TOOLS_STAVE_MISSING_H_
#define STAVE_TOOLS_STAVE_MISSING_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tools/stave/grammar.h"

namespace stave::tools {

// Why there is no command `name`, such as "build", of one word; "" if Docker has none of that name.
absl::string_view WhyMissing(absl::string_view name);

// Flags that stand before the command.
absl::Span<const Missing> MissingGlobalFlags();

}  // namespace stave::tools

#endif  // STAVE_TOOLS_STAVE_MISSING_H_
