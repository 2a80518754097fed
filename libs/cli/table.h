// SPDX-License-Identifier: Apache-2.0
//
// Tables for people, laid out as Docker's: columns at least ten wide, three spaces between, the
// last one not padded. A header is always there.
//
//   CONTAINER ID   IMAGE     COMMAND   CREATED          STATUS         PORTS     NAMES
//   4f2a6c3b9d01   alpine    "sh"      5 minutes ago    Up 5 minutes             web

#ifndef STAVE_LIBS_CLI_TABLE_H_
#define STAVE_LIBS_CLI_TABLE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace stave::cli {

using TableRow = std::vector<std::string>;

// Header and rows, each line ended by a newline. Cells are printed as they are: whoever puts text
// from outside into one uses base::Printable. All rows have as many cells as the header.
// `docker top` has wider columns than all else: at least `min_width`.
inline constexpr size_t kUsualColumn = 10;
inline constexpr size_t kTopColumn = 20;
std::string FormatTable(const TableRow& header, const std::vector<TableRow>& rows,
                        size_t min_width = kUsualColumn);

// The first `max` characters of `text`, the last of them an ellipsis if something was cut off.
std::string Ellipsis(absl::string_view text, size_t max);

// How many characters (code points) `text` has; a byte that is not UTF-8 counts as one.
size_t CharacterCount(absl::string_view text);

}  // namespace stave::cli

#endif  // STAVE_LIBS_CLI_TABLE_H_
