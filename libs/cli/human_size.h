// SPDX-License-Identifier: Apache-2.0
//
// Sizes as Docker tells them in totals: decimal, four digits at most: "0B", "999B", "7.049MB",
// "1.5GB".

#ifndef STAVE_LIBS_CLI_HUMAN_SIZE_H_
#define STAVE_LIBS_CLI_HUMAN_SIZE_H_

#include <cstdint>
#include <string>

namespace stave::cli {

// `bytes` in the largest unit that leaves at least 1: B, kB, MB, GB, TB, PB. Below 0 is 0.
std::string HumanSize(int64_t bytes);

}  // namespace stave::cli

#endif  // STAVE_LIBS_CLI_HUMAN_SIZE_H_
