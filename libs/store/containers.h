// SPDX-License-Identifier: Apache-2.0
//
// All containers: list them, find one, remove one. Listing and finding take no lock and repair
// nothing; what they tell is computed from what is true: a container whose state says "running" but
// whose first process is gone (or of another boot) has exited, with a code that nobody knows,
// unless its watcher lives and is about to tell; so has one that is "restarting" and whose watcher
// is gone.

#ifndef STAVE_LIBS_STORE_CONTAINERS_H_
#define STAVE_LIBS_STORE_CONTAINERS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/store/health.h"
#include "libs/store/record.h"
#include "libs/store/store.h"

namespace stave::store {

struct ContainerView {
  Record record;  // with only the id if it is damaged
  Status status = Status::kCreated;
  std::optional<State> state;  // as written; init is set only if it lives
  // It runs and bears the marker of paused.h. Whether it is frozen its cgroup knows, not the store.
  bool marked_paused = false;
  std::optional<Wellness> health;  // of one that runs and has a check
  // Of an exited one: how; code absent: unknown. Of a created one: why its last start has failed.
  std::optional<Exit> exit;
  absl::Status damage;  // not OK: a file of this container is damaged, and which
};

enum class Which { kRunning, kAll };  // kRunning: also those that are restarting

// kRecord: only record.json of each is read; `status` and all that goes with it say nothing.
enum class Depth { kRecord, kState };

// The containers, newest first. One that is being made is shown once it has a record. A damaged one
// is in the list (kAll) with its `damage`; the others are not affected.
// Errors: only those of reading the folders themselves.
// `depth` is kState with kRunning.
absl::StatusOr<std::vector<ContainerView>> ListContainers(const Store& store, Which which,
                                                          Depth depth = Depth::kState);

// The whole id of what `text` means: a whole id, a name, also with a '/' before it, or the
// beginning of exactly one id. A name beats a beginning. Errors: NotFound [E_NO_CONTAINER] `No such
// container: x`; InvalidArgument [E_AMBIGUOUS] `Multiple IDs found with provided prefix: x`.
absl::StatusOr<std::string> FindContainer(const Store& store, absl::string_view text);

// The same for many: the ids are listed once, at the first beginning of an id. One that is made
// after that is found by its name and by its whole id.
class ContainerFinder {
 public:
  // `store` outlives it.
  explicit ContainerFinder(const Store& store) : store_(store) {}

  absl::StatusOr<std::string> Find(absl::string_view text);

 private:
  absl::Status List();

  const Store& store_;
  std::optional<std::vector<std::string>> ids_;  // sorted
};

// One container, as in the list. Errors: NotFound [E_NO_CONTAINER].
absl::StatusOr<ContainerView> GetContainer(const Store& store, absl::string_view id);

// What to say of `failed`, an act on the container `id` that was found as `text`: [E_NO_CONTAINER]
// `No such container: text` if it is that, or NotFound, of a file say, because the container has
// been removed meanwhile; else `failed` as it is.
absl::Status TellRemoval(const Store& store, absl::string_view id, absl::string_view text,
                         absl::Status failed);

// Removes a container that does not run: its name, then its folders, by way of trash/. What is left
// half way is finished by the next call, or by StaleEntries.
// Errors: NotFound [E_NO_CONTAINER]; FailedPrecondition [E_RUNNING] while it runs or is restarting,
// or its watcher has not yet written down how it ended; [E_STATE] while it is being made.
absl::Status RemoveContainer(const Store& store, absl::string_view id);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_CONTAINERS_H_
