// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/sealed_self.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"
#include "libs/base/unique_fd.h"
#include "libs/mount/tree.h"

namespace stave::runtime {
namespace {

constexpr char kSelf[] = "/proc/self/exe";

}  // namespace

absl::StatusOr<bool> IsSealed() {
  const base::UniqueFd self(::open(kSelf, O_PATH | O_CLOEXEC));
  struct statvfs fs;
  if (!self.valid() || ::fstatvfs(self.get(), &fs) < 0)
    return base::PosixError(errno, kSelf, "look at");
  return (fs.f_flag & ST_RDONLY) != 0;
}

absl::Status SealSelf() {
  STAVE_ASSIGN_OR_RETURN(std::string line,
                         base::ReadFileAt(AT_FDCWD, "/proc/self/cmdline", size_t{4} << 20));
  if (!line.empty() && line.back() == '\0') line.pop_back();
  return SealSelf(absl::StrSplit(line, '\0'));
}

absl::Status SealSelf(const std::vector<std::string>& words) {
  STAVE_ASSIGN_OR_RETURN(const bool sealed, IsSealed());
  if (sealed) return absl::OkStatus();
  // Seen from a detached mount a program has no folder.
  if (const auto libexec = base::LibexecDir(); libexec.ok()) {
    ::setenv("STAVE_LIBEXEC", libexec->c_str(), 1);
  }
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd tree,
                         mount::CloneTree(AT_FDCWD, kSelf, mount::Depth::kMount));
  STAVE_RETURN_IF_ERROR(
      mount::SetAttributes(tree.get(), MOUNT_ATTR_RDONLY, 0, 0, mount::Depth::kMount));
  ::syscall(SYS_execveat, tree.get(), "", base::ExecPointers(words).data(), environ, AT_EMPTY_PATH);
  return base::PosixError(errno, kSelf, "execute");
}

}  // namespace stave::runtime
