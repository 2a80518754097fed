// SPDX-License-Identifier: Apache-2.0
//
// What store-check can be asked, which `stave fsck` passes on to it.

#ifndef STAVE_TOOLS_STORE_CHECK_OPTIONS_H_
#define STAVE_TOOLS_STORE_CHECK_OPTIONS_H_

#include "libs/cli/program.h"

namespace stave::tools {

inline constexpr cli::Option kCheckOptions[] = {
    {"json", 0, cli::Takes::kNothing, "", "print one JSON object a line, a stable interface"},
    {"quick", 'q', cli::Takes::kNothing, "",
     "look at names, sizes and small documents only, not at every byte"},
    {"repair", 'r', cli::Takes::kNothing, "", "mend what can be mended with what is here"},
};

inline constexpr char kCheckPurpose[] = "check the store for damage, and mend it";
inline constexpr char kCheckSynopsis[] = "[OPTION...] [REFERENCE...]";

}  // namespace stave::tools

#endif  // STAVE_TOOLS_STORE_CHECK_OPTIONS_H_
