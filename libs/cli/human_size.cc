// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/human_size.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "absl/strings/str_format.h"

namespace stave::cli {

std::string HumanSize(int64_t bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  auto size = static_cast<double>(std::max<int64_t>(bytes, 0));
  size_t unit = 0;
  while (size >= 1000 && unit + 1 < std::size(kUnits)) {
    size /= 1000;
    ++unit;
  }
  return absl::StrFormat("%.4g%s", size, kUnits[unit]);
}

}  // namespace stave::cli
