// SPDX-License-Identifier: Apache-2.0
//
// One container's directory in the state root: its files, its lock, and what is true of it now.
//
//   R/ID/            0700; flock(2) on the directory itself is the lock
//     state.json     record.h; replaced whole
//     config.json    the bundle's config as it was at create
//     exec.fifo      created, not started (libs/runtime/start_gate.h); started.fifo beside it
//
// The status is not written down but seen: which process lives (boot id, pid, start time), whether
// exec.fifo is there, whether the cgroup is frozen. So it is true after any kill and any reboot. A
// zombie counts as stopped.

#ifndef STAVE_LIBS_LIFECYCLE_CONTAINER_H_
#define STAVE_LIBS_LIFECYCLE_CONTAINER_H_

#include <sys/types.h>

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/base/unique_fd.h"
#include "libs/json/value.h"
#include "libs/lifecycle/machine.h"
#include "libs/lifecycle/record.h"
#include "libs/lifecycle/root.h"

namespace stave::lifecycle {

// What is true of a container at one moment.
struct Condition {
  Record record;
  Status status = Status::kStopped;
  base::UniqueFd init;  // pidfd of its first process; invalid when stopped or creating

  pid_t pid() const;          // of its first process as seen here; 0 when there is none
  json::Value State() const;  // StateJson of it
};

// The largest file that is read here.
inline constexpr size_t kMaxConfig = size_t{16} << 20;

// FailedPrecondition [E_NOT_RUNNING] `container not running`.
absl::Status NotRunning();

// Whether a look at the freezer is worth its time.
enum class Freezer { kAsk, kLeave };

class Container {
 public:
  // Makes R/ID with both files, locked by the caller. Until that is done it does not exist for
  // anybody. Errors: InvalidArgument (CheckId); AlreadyExists [E_EXISTS] `container with given ID
  // already exists`; those of the file system. On failure nothing is left.
  static absl::StatusOr<Container> Make(const Root& root, const Record& record,
                                        absl::string_view config);

  // Whether Make could succeed, for who has costly things to do before it. Errors: as Make.
  static absl::Status CheckFree(const Root& root, absl::string_view id);

  // Errors: InvalidArgument (CheckId); NotFound [E_NO_CONTAINER] `container "ID" does not exist`.
  static absl::StatusOr<Container> Open(const Root& root, absl::string_view id);

  // Waits for the lock; it goes with this object, or by Unlock(). Errors: NotFound if it has been
  // removed meanwhile.
  absl::Status Lock();
  // Without waiting: whether it is ours now. Errors: as Lock().
  absl::StatusOr<bool> TryLock();
  void Unlock();

  const std::string& id() const { return id_; }
  int dir() const { return dir_.get(); }  // a directory descriptor
  uid_t owner() const { return owner_; }  // of the directory: who created it

  // Errors: DataLoss [E_CORRUPT] `container "ID": state.json: ..` for a file that is damaged,
  // missing, or no regular file.
  absl::StatusOr<Record> ReadRecord() const;
  absl::StatusOr<std::string> ReadConfig() const;
  // ReadConfig(), parsed.
  absl::StatusOr<json::Value> ParseConfig() const;
  absl::StatusOr<json::Value> ParseConfig(absl::string_view text) const;

  // Replaces state.json. The caller holds the lock.
  absl::Status WriteRecord(const Record& record) const;

  // Errors: those of ReadRecord. A freezer that cannot be read counts as thawed.
  absl::StatusOr<Condition> Look(Freezer freezer = Freezer::kAsk) const;
  absl::StatusOr<Condition> Look(Machine* machine, Freezer freezer) const;

  // Removes the directory, under another name first, so that the id is free at once. The caller
  // holds the lock. Errors: those of the file system; then a part may be left as R/ID~gone.
  absl::Status Remove(const Root& root);

 private:
  Container(std::string id, base::UniqueFd dir) : id_(std::move(id)), dir_(std::move(dir)) {}
  absl::Status StillThere() const;

  std::string id_;
  base::UniqueFd dir_;
  base::UniqueFd root_;
  uid_t owner_ = 0;
};

// Removes what killed processes left of `id` beside its directory. Does its best.
void RemoveStrays(const Root& root, absl::string_view id);

}  // namespace stave::lifecycle

#endif  // STAVE_LIBS_LIFECYCLE_CONTAINER_H_
