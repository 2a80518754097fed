// SPDX-License-Identifier: Apache-2.0
//
// Text with tabs -> text with columns, as Go's text/tabwriter lays Docker's tables out.

#ifndef STAVE_LIBS_CLI_COLUMNS_H_
#define STAVE_LIBS_CLI_COLUMNS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace stave::cli {

// A tab ends a cell. Cells of one column in lines that follow one another are padded with spaces
// to the same width: that of the widest and three more, at least ten. What stands behind the last
// tab of a line is in no column. A line without the tab ends the column: below it begins another.
// Every line ends with a newline.
std::string LayOutColumns(absl::string_view text);

}  // namespace stave::cli

#endif  // STAVE_LIBS_CLI_COLUMNS_H_
