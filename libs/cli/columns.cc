// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/columns.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_split.h"
#include "libs/cli/table.h"

namespace stave::cli {
namespace {

constexpr size_t kMinWidth = 10;
constexpr size_t kGap = 3;

// A cell that a tab ended.
struct Cell {
  absl::string_view text;
  size_t size;    // in characters
  size_t column;  // among all columns of the text
};

struct Line {
  std::vector<Cell> cells;
  absl::string_view rest;
};

size_t Characters(absl::string_view text) {
  const bool is_ascii =
      std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
  return is_ascii ? text.size() : CharacterCount(text);
}

// `columns` are those of the line above, by their index in `widths`.
Line ReadLine(absl::string_view text, std::vector<size_t>* columns, std::vector<size_t>* widths) {
  std::vector<absl::string_view> parts = absl::StrSplit(text, '\t');
  Line line;
  line.rest = parts.back();
  parts.pop_back();
  columns->resize(std::min(columns->size(), parts.size()));
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i == columns->size()) {
      columns->push_back(widths->size());
      widths->push_back(kMinWidth);
    }
    const size_t column = (*columns)[i];
    const size_t size = Characters(parts[i]);
    (*widths)[column] = std::max((*widths)[column], size + kGap);
    line.cells.push_back({parts[i], size, column});
  }
  return line;
}

}  // namespace

std::string LayOutColumns(absl::string_view text) {
  std::vector<Line> lines;
  std::vector<size_t> columns;
  std::vector<size_t> widths;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    lines.push_back(ReadLine(line, &columns, &widths));
  }
  std::string out;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out.push_back('\n');
    for (const Cell& cell : lines[i].cells) {
      out.append(cell.text.data(), cell.text.size());
      out.append(widths[cell.column] - cell.size, ' ');
    }
    out.append(lines[i].rest.data(), lines[i].rest.size());
  }
  return out;
}

}  // namespace stave::cli
