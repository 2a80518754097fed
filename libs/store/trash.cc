// SPDX-License-Identifier: Apache-2.0
#include "libs/store/trash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/id.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/store/folder.h"
#include "libs/store/name_link.h"

namespace stave::store {
namespace {

// Its remover holds a lock on the folder itself, so that a sweep leaves it alone.
bool LockFolder(int fd, int operation) {
  int result;
  do {
    result = ::flock(fd, operation);
  } while (result < 0 && errno == EINTR);
  return result == 0;
}

// containers/ID -> trash/ID. Returns the locked folder; an invalid one if there is none.
absl::StatusOr<base::UniqueFd> MoveHome(const Store& store, const std::string& id,
                                        base::Durability durability) {
  const std::string home = absl::StrCat("containers/", id);
  base::UniqueFd folder(
      ::openat(store.state(), home.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder.valid()) {
    if (errno == ENOENT) return folder;
    if (errno != ENOTDIR && errno != ELOOP) return base::PosixError(errno, home, "open directory");
    // Something else in a folder's place: there is nothing in it to keep.
    if (::unlinkat(store.state(), home.c_str(), 0) < 0)
      return base::PosixError(errno, home, "unlink");
    return folder;
  }
  if (!LockFolder(folder.get(), LOCK_EX)) return base::PosixError(errno, home, "lock");

  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd trash, base::OpenDirAt(store.state(), "trash"));
  if (::renameat(store.state(), home.c_str(), trash.get(), id.c_str()) < 0) {
    if (errno == ENOENT) return base::UniqueFd();  // the other remover was faster
    if (errno != ENOTEMPTY && errno != EEXIST) return base::PosixError(errno, home, "rename");
    STAVE_RETURN_IF_ERROR(base::RemoveTreeAt(trash.get(), id));
    if (::renameat(store.state(), home.c_str(), trash.get(), id.c_str()) < 0) {
      return base::PosixError(errno, home, "rename");
    }
  }
  if (durability == base::Durability::kDurable) {
    STAVE_ASSIGN_OR_RETURN(const base::UniqueFd containers,
                           base::OpenDirAt(store.state(), "containers"));
    if (::fsync(containers.get()) < 0) return base::PosixError(errno, "containers", "fsync");
  }
  return folder;
}

absl::Status RemoveRunFolder(const Store& store, const std::string& id) {
  if (store.run() < 0) return absl::OkStatus();
  auto running = base::OpenDirAt(store.run(), "containers");
  if (absl::IsNotFound(running.status())) return absl::OkStatus();
  if (!running.ok()) return running.status();
  return base::RemoveTreeAt(running->get(), id);
}

// Waits for who is removing it. Not there: an invalid descriptor.
base::UniqueFd LockInTrash(int trash, const std::string& id) {
  base::UniqueFd folder(
      ::openat(trash, id.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (folder.valid()) LockFolder(folder.get(), LOCK_EX);
  return folder;
}

bool IsOfTrashFolder(absl::string_view name) { return absl::StartsWith(name, kTrashFolderPrefix); }

// A folder of TrashFolder stays, and *left is set, unless that is null.
void Sweep(const Store& store, bool* left) {
  const auto names = ListFolder(store.state(), "trash");
  if (!names.ok() || names->empty()) return;
  const auto trash = base::OpenDirAt(store.state(), "trash");
  if (!trash.ok()) return;
  for (const std::string& name : *names) {
    const base::UniqueFd folder(
        ::openat(trash->get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (folder.valid() && !LockFolder(folder.get(), LOCK_EX | LOCK_NB)) continue;
    if (left != nullptr && IsOfTrashFolder(name)) {
      *left = true;
      continue;
    }
    // Its remover may have come no further than the rename. Of one with an entry the rest is for
    // whoever holds that.
    if (base::IsId(name) && !HasEntry(store, name) &&
        (!RemoveRunFolder(store, name).ok() || !ReleaseNamesOf(store, name).ok())) {
      continue;
    }
    (void)base::RemoveTreeAt(trash->get(), name);
  }
}

}  // namespace

absl::Status RemoveFolders(const Store& store, const std::string& id, base::Durability durability) {
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd locked, MoveHome(store, id, durability));
  STAVE_RETURN_IF_ERROR(RemoveRunFolder(store, id));
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd trash, base::OpenDirAt(store.state(), "trash"));
  if (!locked.valid()) locked = LockInTrash(trash.get(), id);
  return base::RemoveTreeAt(trash.get(), id);
}

absl::Status Discard(const Store& store, const std::string& id, base::Durability durability) {
  return MoveHome(store, id, durability).status();
}

void SweepTrash(const Store& store) { Sweep(store, nullptr); }

bool SweepContainers(const Store& store) {
  bool left = false;
  Sweep(store, &left);
  return left;
}

}  // namespace stave::store
