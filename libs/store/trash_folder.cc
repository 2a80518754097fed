// SPDX-License-Identifier: Apache-2.0
#include "libs/store/trash_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/id.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"
#include "libs/store/trash.h"

namespace stave::store {
namespace {

// Not 64 digits long: SweepTrash would take it for a container's.
constexpr size_t kRandomDigits = 16;

// In the child: /dev/null for the streams, and of the others only `kept` stay open.
bool KeepOnly(std::vector<int> kept) {
  if (!base::NullStreams()) return false;
  std::sort(kept.begin(), kept.end());
  unsigned next = 3;
  for (const int fd : kept) {
    if (fd < 0) continue;  // a root that does not exist
    const auto number = static_cast<unsigned>(fd);
    if (number < next) continue;
    if (number > next) ::syscall(SYS_close_range, next, number - 1, 0U);
    next = number + 1;
  }
  return ::syscall(SYS_close_range, next, ~0U, 0U) == 0;
}

}  // namespace

// The child of RemoveDetached, and its own child, which init reaps.
void TrashFolder::RemoveInGrandchild(const Store& store) {
  ::setsid();
  const pid_t grandchild = ::fork();
  if (grandchild > 0) ::_exit(0);
  base::ResetSignals();
  [[maybe_unused]] const int changed = ::chdir("/");
  if (KeepOnly({trash_.get(), folder_.get(), store.state(), store.run()})) {
    (void)base::RemoveTreeAt(trash_.get(), name_);
    SweepTrash(store);
  }
  ::_exit(0);
}

TrashFolder::TrashFolder(std::string name) : name_(std::move(name)) {}

absl::StatusOr<TrashFolder> TrashFolder::Make(const Store& store) {
  TrashFolder made(absl::StrCat(kTrashFolderPrefix, base::NewId().substr(0, kRandomDigits)));
  STAVE_ASSIGN_OR_RETURN(made.trash_, base::OpenDirAt(store.state(), "trash"));
  for (;;) {
    STAVE_RETURN_IF_ERROR(base::MakeDirAt(made.trash_.get(), made.name_, 0700));
    auto folder = base::OpenDirAt(made.trash_.get(), made.name_);
    // A sweep took it before it was locked.
    if (absl::IsNotFound(folder.status())) continue;
    if (!folder.ok()) return folder.status();
    while (::flock(folder->get(), LOCK_EX) < 0) {
      if (errno != EINTR) return base::PosixError(errno, "trash", "lock");
    }
    struct stat mine, there;
    if (::fstat(folder->get(), &mine) == 0 &&
        ::fstatat(made.trash_.get(), made.name_.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
        mine.st_ino == there.st_ino) {
      made.folder_ = *std::move(folder);
      return made;
    }
  }
}

TrashFolder::~TrashFolder() {
  if (folder_.valid()) ::unlinkat(trash_.get(), name_.c_str(), AT_REMOVEDIR);
}

absl::Status TrashFolder::Take(int dirfd, const std::string& name, const std::string& as,
                               bool* moved) {
  *moved = ::renameat(dirfd, name.c_str(), folder_.get(), as.c_str()) == 0;
  if (!*moved && errno != ENOENT) return base::PosixError(errno, name, "rename to trash/");
  return absl::OkStatus();
}

absl::Status TrashFolder::Sync() const {
  for (const int fd : {folder_.get(), trash_.get()}) {
    if (::fsync(fd) < 0) return base::PosixError(errno, "trash", "fsync");
  }
  return absl::OkStatus();
}

void RemoveLeftTrash(const Store& store) {
  auto folder = TrashFolder::Make(store);
  if (folder.ok()) std::move(*folder).RemoveDetached(store);
}

void TrashFolder::RemoveDetached(const Store& store) && {
  const pid_t child = ::fork();
  if (child == 0) RemoveInGrandchild(store);
  if (child < 0) (void)base::RemoveTreeAt(trash_.get(), name_);
  if (child > 0) base::ReapChild(child);
  folder_.Reset();
}

}  // namespace stave::store
