// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/env_file.h"

#include <errno.h>
#include <fcntl.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"

namespace stave::oci {
namespace {

constexpr char kByteOrderMark[] = "\xEF\xBB\xBF";
constexpr char kSpace[] = " \t\v\f\r";

absl::Status Wrong(size_t line, absl::string_view text, absl::string_view why) {
  return base::Error(absl::StatusCode::kInvalidArgument, "E_USAGE",
                     absl::StrCat("line ", line, ": \"", base::Printable(text, 64), "\": ", why));
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ParseEnvFile(absl::string_view text) {
  absl::ConsumePrefix(&text, kByteOrderMark);
  std::vector<std::string> variables;
  size_t number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    absl::ConsumeSuffix(&line, "\r");
    line = absl::StripLeadingAsciiWhitespace(line);
    if (line.empty() || line[0] == '#') continue;
    const absl::string_view name = line.substr(0, line.find('='));
    if (name.empty()) return Wrong(number, line, "has no name");
    if (name.find_first_of(kSpace) != name.npos) return Wrong(number, name, "has white space");
    if (line.find('\0') != line.npos) return Wrong(number, name, "has a NUL");
    variables.emplace_back(line);
  }
  return variables;
}

absl::StatusOr<std::vector<std::string>> ReadEnvFile(const std::string& path) {
  const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOCTTY | O_CLOEXEC));
  if (!file.valid()) return base::PosixError(errno, base::Printable(path), "open");
  STAVE_ASSIGN_OR_RETURN(const std::string text,
                         base::ReadAll(file.get(), kMaxEnvFile, base::Printable(path)));
  auto variables = ParseEnvFile(text);
  if (variables.ok()) return variables;
  return base::WithContext(variables.status(), base::Printable(path));
}

}  // namespace stave::oci
