// SPDX-License-Identifier: Apache-2.0
//
// "did you mean": the name that somebody who typed a wrong one may have meant.

#ifndef STAVE_LIBS_CLI_NEAREST_H_
#define STAVE_LIBS_CLI_NEAREST_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace stave::cli {

// The one of `names` that begins with `word` (of two letters or more), or else differs from it in
// the fewest letters, two neighbours exchanged being one: one for a short word, at most two for
// others. "" if there is none.
absl::string_view Nearest(absl::string_view word, absl::Span<const absl::string_view> names);

}  // namespace stave::cli

#endif  // STAVE_LIBS_CLI_NEAREST_H_
