// SPDX-License-Identifier: Apache-2.0
#include "libs/cgroup/delegate.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"

namespace stave::cgroup {
namespace {

constexpr char kNames[] = "/sys/kernel/cgroup/delegate";
constexpr size_t kMaxFile = 65536;
constexpr gid_t kSameGroup = static_cast<gid_t>(-1);

}  // namespace

std::vector<std::string> DelegatedFiles(absl::string_view text) {
  std::vector<std::string> files;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    if (line != "." && line != ".." && line.find('/') == absl::string_view::npos) {
      files.emplace_back(line);
    }
  }
  if (files.empty()) files = {"cgroup.procs", "cgroup.subtree_control", "cgroup.threads"};
  return files;
}

absl::Status Delegate(const Cgroup& group, uid_t uid) {
  const Cgroup::Place* unified = group.Find("cgroup");
  if (unified == nullptr || group.HasV1()) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd directory,
                         base::OpenDirAt(AT_FDCWD, unified->directory));
  if (fchownat(directory.get(), "", uid, kSameGroup, AT_EMPTY_PATH) != 0) {
    return base::PosixError(errno, unified->directory, "chown");
  }
  const absl::StatusOr<std::string> names = base::ReadFileAt(AT_FDCWD, kNames, kMaxFile);
  for (const std::string& file : DelegatedFiles(names.ok() ? *names : "")) {
    if (fchownat(directory.get(), file.c_str(), uid, kSameGroup, AT_SYMLINK_NOFOLLOW) == 0) {
      continue;
    }
    if (errno != ENOENT) {
      return base::PosixError(errno, absl::StrCat(unified->directory, "/", file), "chown");
    }
  }
  return absl::OkStatus();
}

}  // namespace stave::cgroup
