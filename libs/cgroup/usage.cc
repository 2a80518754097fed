// SPDX-License-Identifier: Apache-2.0
#include "libs/cgroup/usage.h"

#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace stave::cgroup {

std::optional<int64_t> FindCount(absl::string_view text, absl::string_view key) {
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    int64_t count = 0;
    if (words.size() == 2 && words[0] == key && absl::SimpleAtoi(words[1], &count)) return count;
  }
  return std::nullopt;
}

void ParseIoStat(absl::string_view text, Usage* usage) {
  int64_t read = 0;
  int64_t written = 0;
  for (absl::string_view word : absl::StrSplit(text, absl::ByAnyChar(" \n"))) {
    int64_t count = 0;
    const size_t equals = word.find('=');
    if (equals == absl::string_view::npos) continue;
    if (!absl::SimpleAtoi(word.substr(equals + 1), &count)) continue;
    if (word.substr(0, equals) == "rbytes") read += count;
    if (word.substr(0, equals) == "wbytes") written += count;
  }
  usage->read_bytes = read;
  usage->written_bytes = written;
}

void ParseIoServiceBytes(absl::string_view text, Usage* usage) {
  int64_t read = 0;
  int64_t written = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    int64_t count = 0;
    if (words.size() != 3 || !absl::SimpleAtoi(words[2], &count)) continue;
    if (words[1] == "Read") read += count;
    if (words[1] == "Write") written += count;
  }
  usage->read_bytes = read;
  usage->written_bytes = written;
}

}  // namespace stave::cgroup
