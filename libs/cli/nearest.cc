// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/nearest.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/strings/match.h"

namespace stave::cli {
namespace {

// Letters wrong, missing, too many or exchanged with their neighbour between two names (optimal
// string alignment).
size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> before, last, row(b.size() + 1);
  for (size_t k = 0; k <= b.size(); ++k) row[k] = k;
  for (size_t i = 1; i <= a.size(); ++i) {
    before = std::exchange(last, row);
    row[0] = i;
    for (size_t k = 1; k <= b.size(); ++k) {
      const size_t change = last[k - 1] + (a[i - 1] == b[k - 1] ? 0 : 1);
      row[k] = std::min({last[k] + 1, row[k - 1] + 1, change});
      const bool exchanged = i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1];
      if (exchanged) row[k] = std::min(row[k], before[k - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

absl::string_view Nearest(absl::string_view word, absl::Span<const absl::string_view> names) {
  absl::string_view best;
  size_t least = word.size() < 4 ? 2 : 3;
  for (const absl::string_view name : names) {
    const bool begins = word.size() > 1 && absl::StartsWith(name, word);
    const size_t distance = begins ? 0 : Distance(word, name);
    if (distance >= least) continue;
    least = distance;
    best = name;
  }
  return best;
}

}  // namespace stave::cli
