// SPDX-License-Identifier: Apache-2.0
#include "libs/log/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/listing.h"
#include "libs/base/number.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"

namespace stave::log {
namespace {

constexpr char kName[] = "json.log";

bool IsSame(const LogFile& a, const LogFile& b) {
  return a.device == b.device && a.inode == b.inode;
}

// The highest number that a file bears.
absl::StatusOr<int> HighestNumber(int dirfd) {
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd folder, base::OpenDirAt(dirfd, "."));
  STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                         base::ListNames(std::move(folder), "log"));
  int highest = 0;
  for (const absl::string_view file : names) {
    absl::string_view name = file;
    if (!absl::ConsumePrefix(&name, kName) || !absl::ConsumePrefix(&name, ".")) continue;
    const auto number = base::ParseUint(name, 1, kMaxNumber);
    if (number.ok()) highest = std::max(highest, static_cast<int>(*number));
  }
  return highest;
}

// nullopt: there is none of that name.
absl::StatusOr<std::optional<LogFile>> OpenFile(int dirfd, int number) {
  auto opened = base::OpenRegularAt(dirfd, FileName(number));
  if (absl::IsNotFound(opened.status())) return std::nullopt;
  if (!opened.ok()) return opened.status();
  struct stat st;
  if (::fstat(opened->get(), &st) != 0) return base::PosixError(errno, FileName(number), "fstat");
  return LogFile{*std::move(opened), st.st_dev, st.st_ino, st.st_size};
}

}  // namespace

std::string FileName(int number) {
  return number == 0 ? std::string(kName) : absl::StrCat(kName, ".", number);
}

absl::StatusOr<LogFiles> OpenFiles(int dirfd, const LogFile* known) {
  STAVE_ASSIGN_OR_RETURN(const int highest, HighestNumber(dirfd));
  LogFiles found;
  found.gap = known != nullptr;
  // From the newest on. A rotation only moves files towards where this has not been yet: it may
  // meet one twice, and gaps, but passes none. It may move them one further than `highest`.
  for (int number = 0; number <= highest + 1; ++number) {
    STAVE_ASSIGN_OR_RETURN(std::optional<LogFile> file, OpenFile(dirfd, number));
    if (!file.has_value()) continue;
    if (known != nullptr && IsSame(*file, *known)) {
      found.gap = false;
      break;
    }
    const auto is_this = [&](const LogFile& other) { return IsSame(*file, other); };
    if (std::none_of(found.files.begin(), found.files.end(), is_this)) {
      found.files.push_back(*std::move(file));
    }
  }
  // Where one file is kept it goes at each rotation: that says nothing.
  if (highest == 0) found.gap = false;
  std::reverse(found.files.begin(), found.files.end());
  return found;
}

bool IsRotated(int dirfd, const LogFile& known) {
  struct stat st;
  return ::fstatat(dirfd, kName, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
         (st.st_dev != known.device || st.st_ino != known.inode);
}

}  // namespace stave::log
