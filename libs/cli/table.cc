// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace stave::cli {
namespace {

constexpr size_t kGap = 3;

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Where the character after that at `at` begins. Stray continuation bytes are characters, too.
size_t Next(absl::string_view text, size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
  size_t end = at + 1;
  while (end < text.size() && end <= at + more && IsContinuation(text[end])) ++end;
  return end;
}

void AppendRow(const TableRow& row, const std::vector<size_t>& widths, std::string* out) {
  for (size_t i = 0; i < row.size(); ++i) {
    absl::StrAppend(out, row[i]);
    if (i + 1 < row.size()) out->append(widths[i] - CharacterCount(row[i]), ' ');
  }
  out->push_back('\n');
}

}  // namespace

size_t CharacterCount(absl::string_view text) {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::all_of(text.begin(), text.end(), is_ascii)) return text.size();
  size_t count = 0;
  for (size_t at = 0; at < text.size(); at = Next(text, at)) ++count;
  return count;
}

std::string Ellipsis(absl::string_view text, size_t max) {
  size_t count = 0;
  size_t kept = 0;  // bytes of the first max - 1 characters
  for (size_t at = 0; at < text.size(); at = Next(text, at)) {
    if (count + 1 == max) kept = at;
    if (++count > max) return absl::StrCat(text.substr(0, kept), "\u2026");
  }
  return std::string(text);
}

std::string FormatTable(const TableRow& header, const std::vector<TableRow>& rows,
                        size_t min_width) {
  std::vector<size_t> widths;
  for (const std::string& cell : header) {
    widths.push_back(std::max(min_width, CharacterCount(cell) + kGap));
  }
  for (const TableRow& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], CharacterCount(row[i]) + kGap);
    }
  }
  std::string out;
  AppendRow(header, widths, &out);
  for (const TableRow& row : rows) AppendRow(row, widths, &out);
  return out;
}

}  // namespace stave::cli
