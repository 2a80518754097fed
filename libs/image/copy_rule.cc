// SPDX-License-Identifier: Apache-2.0
#include "libs/image/copy_rule.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace stave::image {

CopyWord ParseCopyWord(absl::string_view word) {
  const size_t colon = word.find(':');
  if (colon == absl::string_view::npos || absl::StartsWith(word, "/") ||
      absl::StartsWith(word, ".")) {
    return {"", std::string(word)};
  }
  return {std::string(word.substr(0, colon)), std::string(word.substr(colon + 1))};
}

CopyPath ParseCopyPath(absl::string_view path) {
  std::vector<absl::string_view> names;
  for (const absl::string_view name : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    if (name == "..") {
      if (!names.empty()) names.pop_back();
    } else if (name != ".") {
      names.push_back(name);
    }
  }
  CopyPath parsed;
  parsed.path = absl::StrCat("/", absl::StrJoin(names, "/"));
  parsed.contents = names.empty() || absl::EndsWith(path, "/.") || path == ".";
  parsed.slash = parsed.contents || absl::EndsWith(path, "/");
  parsed.name = parsed.contents ? "." : std::string(names.back());
  return parsed;
}

absl::StatusOr<CopyPlan> PlanCopy(const CopySource& source, const CopyTarget& target) {
  if (target.exists && target.is_directory) return CopyPlan{true, source.name};
  if (target.exists && source.is_directory) {
    return absl::FailedPreconditionError("cannot copy directory");
  }
  if (!target.exists && !source.is_directory && target.slash) {
    return absl::NotFoundError("no such directory");
  }
  return CopyPlan{false, target.name};
}

}  // namespace stave::image
