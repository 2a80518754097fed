// SPDX-License-Identifier: Apache-2.0
//
// A folder of trash/ for much: what is renamed into it is gone at once, and is removed from the
// disk by a detached process, for which nobody waits.
//
//   STATE/trash/gone-HEX/   locked from its making until it is removed; SweepTrash (trash.h) takes
//                           what lies there unlocked, so a killed remover's work is finished

#ifndef STAVE_LIBS_STORE_TRASH_FOLDER_H_
#define STAVE_LIBS_STORE_TRASH_FOLDER_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"
#include "libs/store/store.h"

namespace stave::store {

class [[nodiscard]] TrashFolder {
 public:
  // Makes an empty one. Errors: those of mkdir(2) and open(2).
  static absl::StatusOr<TrashFolder> Make(const Store& store);

  TrashFolder(TrashFolder&&) noexcept = default;
  TrashFolder& operator=(TrashFolder&&) = delete;
  // What was not removed stays for the next sweep; an empty folder goes.
  ~TrashFolder();

  // Renames `name` of the directory `dirfd` into it, as `as`. NotFound is OK: *moved says.
  absl::Status Take(int dirfd, const std::string& name, const std::string& as, bool* moved);

  // Makes the renames durable, as far as this folder's side goes.
  absl::Status Sync() const;

  // Removes all of it in a process of its own, and then what killed removers left in trash/. It has
  // no terminal, no streams and none of the caller's descriptors, outlives the caller and holds the
  // lock. Where none can be made: here.
  void RemoveDetached(const Store& store) &&;

 private:
  explicit TrashFolder(std::string name);
  [[noreturn]] void RemoveInGrandchild(const Store& store);

  std::string name_;
  base::UniqueFd trash_;
  base::UniqueFd folder_;  // holds the lock
};

// Has a process of its own remove what killed removers left in trash/. Does its best.
void RemoveLeftTrash(const Store& store);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_TRASH_FOLDER_H_
