// SPDX-License-Identifier: Apache-2.0
//
// The entry of a container that somebody is making or watching, and its lock: as long as the lock
// is held the container is in somebody's hands; an entry whose lock is free is a dead one's, to be
// undone by whoever finds it.
//
//   RUN/pending/ID     while it is made, or started again   {"name":"web","rm":false,"record":true}
//   RUN/foreground/ID  while an ns-run or a stave-monitor watches it (the same file, renamed);
//                      "monitored":true of the latter
//
// The life of a container, in calls:
//
//   Pending::Reserve     entry, name, folders        killed here: StaleEntries finds it
//   container().Write..  config, record, state
//   ToForeground         acknowledged                killed here: StaleEntries finds it
//   container().WriteExit
//   Done (or Undo, for --rm)
//
// A name is reserved by symlink(2), STATE/names/NAME -> ID. A symlink whose id has no folder and no
// entry any more is stale and is taken over.

#ifndef STAVE_LIBS_STORE_PENDING_H_
#define STAVE_LIBS_STORE_PENDING_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"
#include "libs/store/container.h"
#include "libs/store/store.h"

namespace stave::store {

enum class Phase { kPending, kForeground };

// An entry with its lock. Destroying it gives up the lock and leaves the entry: what was made is
// then stale and for the next sweep to undo.
class [[nodiscard]] Pending {
 public:
  // Draws an id, makes the locked entry, reserves the name (drawn if intent.name is empty: a
  // random name, six tries with a digit appended after the first, then the short id) and makes the
  // folders.
  // Errors: InvalidArgument [E_NAME]; AlreadyExists [E_NAME_TAKEN] with Docker's text `Conflict.
  // The container name "/x" is already in use by container "ID". You have to remove (or rename)
  // that container to be able to reuse that name.`; those of open(2), mkdir(2). After an error
  // nothing is left.
  static absl::StatusOr<Pending> Reserve(const Store& store, Intent intent);

  // An entry in pending/ for a container that is there, to start it again. Stale entries are the
  // caller's to sweep first. Errors: NotFound; FailedPrecondition [E_RUNNING] if somebody has it in
  // hand; those of reading its record.
  static absl::StatusOr<Pending> Adopt(const Store& store, const std::string& id, bool monitored);

  // The entry whose `lock` this process has got from the one that made it, across execve(2).
  // Errors: FailedPrecondition if it is not the entry's file; those of Container::Open.
  static absl::StatusOr<Pending> Inherit(const Store& store, const std::string& id, Phase phase,
                                         base::UniqueFd lock);

  Pending(Pending&&) noexcept = default;
  Pending& operator=(Pending&&) noexcept = default;

  const std::string& id() const { return id_; }
  const Intent& intent() const { return intent_; }  // with the name that was reserved
  Phase phase() const { return phase_; }

  // Its folders. Of an entry from StaleEntries: what is there of them, see has_container().
  const Container& container() const { return container_; }
  bool has_container() const { return container_.home() >= 0; }

  // The descriptor that holds the lock. A child that must not hold it has to close it.
  int lock_fd() const { return lock_.get(); }

  // pending/ID -> foreground/ID, the lock held throughout. Name and folder are durable then (unless
  // --rm or without a record): the container may be acknowledged. Nothing happens to one that is in
  // foreground/ already.
  absl::Status ToForeground();

  // From here on the payload is not its watcher's to take along: a monitor will have it.
  absl::Status SetMonitored();

  // The container needs no watching any more: removes the entry. Record and name stay, durably.
  absl::Status Done();

  // Frees the name, also one that the container has got since.
  absl::Status ReleaseName();

  // Takes everything back: name, folders, then the entry; of a container that existed before this
  // start only what it was doing. The payload must be dead, its cgroup and mounts gone. May be
  // repeated after a failure, by another process too.
  absl::Status Undo();

 private:
  friend absl::StatusOr<std::vector<Pending>> StaleEntries(const Store& store);
  Pending(const Store& store, std::string id, Intent intent);
  absl::Status MakeNameAndFolders();
  absl::Status MakeDurable() const;
  absl::Status RemoveEntry();

  const Store* store_;  // borrowed; must outlive this
  std::string id_;
  Intent intent_;
  Phase phase_ = Phase::kPending;
  base::UniqueFd lock_;
  Container container_;
};

// The entries whose lock is free, taken over, the lock now held: all of pending/, and of
// foreground/ at most 64, from a place that changes from call to call. The caller kills and
// unmounts what they made, and calls Undo (pending, or --rm) or writes exit.json and calls Done.
// An entry whose folder is there and cannot be opened (no descriptors left) is not among them.
// An entry whose text is damaged comes with the intent {"", false, true}. Also removes what earlier
// removals left in trash/.
absl::StatusOr<std::vector<Pending>> StaleEntries(const Store& store);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_PENDING_H_
