// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-why/kernel_words.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace stave::tools {
namespace {

// What follows `key` up to one of `ends`; "" if it is not there.
absl::string_view After(absl::string_view line, absl::string_view key, absl::string_view ends) {
  const size_t at = line.find(key);
  if (at == line.npos) return "";
  const absl::string_view rest = line.substr(at + key.size());
  return rest.substr(0, rest.find_first_of(ends));
}

void ReadOom(absl::string_view line, KernelWords* words) {
  OomVictim victim;
  victim.name = std::string(After(line, ",task=", ","));
  if (!absl::SimpleAtoi(After(line, ",pid=", ","), &victim.pid)) return;
  victim.by_limit = After(line, "constraint=", ",") == "CONSTRAINT_MEMCG";
  victim.cgroup = std::string(After(line, "oom_memcg=", ","));
  words->victims.push_back(std::move(victim));
}

void ReadCall(absl::string_view line, KernelWords* words) {
  DeniedCall call;
  uint64_t architecture = 0;
  if (!absl::SimpleAtoi(After(line, " syscall=", " "), &call.number)) return;
  if (!absl::SimpleHexAtoi(After(line, " arch=", " "), &architecture)) return;
  call.architecture = static_cast<uint32_t>(architecture);
  words->call = call;
}

}  // namespace

KernelWords ParseKernelWords(const std::vector<std::string>& lines) {
  KernelWords words;
  for (const absl::string_view line : lines) {
    if (line.find("oom-kill:") != line.npos) {
      ReadOom(line, &words);
    } else if (line.find("type=1326 ") != line.npos) {
      ReadCall(line, &words);
    } else if (const size_t at = line.find("segfault at "); at != line.npos) {
      words.fault = std::string(line.substr(at));
    } else if (const size_t trap = line.find("] trap "); trap != line.npos) {
      words.fault = std::string(line.substr(trap + 2));
    } else if (const size_t general = line.find("general protection"); general != line.npos) {
      words.fault = std::string(line.substr(general));
    }
  }
  return words;
}

}  // namespace stave::tools
