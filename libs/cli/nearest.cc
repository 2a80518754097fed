// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/nearest.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/strings/match.h"

namespace stave::cli {
namespace {

// Letters wrong, missing or too many between two names (Levenshtein).
size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t k = 0; k <= b.size(); ++k) row[k] = k;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t k = 1; k <= b.size(); ++k) {
      const size_t change = diagonal + (a[i - 1] == b[k - 1] ? 0 : 1);
      diagonal = row[k];
      row[k] = std::min({row[k] + 1, row[k - 1] + 1, change});
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
