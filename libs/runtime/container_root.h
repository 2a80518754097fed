// SPDX-License-Identifier: Apache-2.0
//
// The root filesystem of a container as somebody outside may use it: a directory descriptor on a
// private, detached clone of the container's mounts. It shows what a process in the container sees
// at this moment; what the container mounts later is not in it, nothing can be executed through it,
// and devices cannot be opened. No code of the container runs, and no program at all.
//
//   running, paused   a clone of the tree of the first process's mount namespace, which is joined
//                     through a pidfd: whatever the pid names by then
//   any other         its layers and writable layer as an overlay, with the binds of its document
//                     (volumes) mounted where they will be; not /proc, /dev and tmpfs, which it has
//                     only when it runs
//
// Whoever writes to one that does not run has its writable layer mounted, and the container's entry
// (libs/store/pending.h) in hand: meanwhile it can be neither started nor removed, and others who
// write wait. Reading mounts nothing that could be changed: it has a throw-away layer of its own on
// top, and neither waits nor makes anybody wait. A start meanwhile then shows in part.
//
// Below the descriptor, paths are for libs/rootpath alone. Needs root.

#ifndef STAVE_LIBS_RUNTIME_CONTAINER_ROOT_H_
#define STAVE_LIBS_RUNTIME_CONTAINER_ROOT_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"
#include "libs/runtime/plan.h"
#include "libs/store/pending.h"
#include "libs/store/store.h"

namespace stave::runtime {

enum class RootUse {
  kRead,    // all of it is read-only
  kWrite,   // read-only is what the container's own is
  kExport,  // read-only, and the root's own mount alone: no volumes, no /proc
};

// The writable layer of a container that does not run, held by this process.
class WriterHold {
 public:
  WriterHold() = default;
  WriterHold(base::UniqueFd turn, store::Pending entry)
      : turn_(std::move(turn)), entry_(std::move(entry)) {}
  WriterHold(WriterHold&& other) noexcept
      : turn_(std::move(other.turn_)), entry_(std::exchange(other.entry_, std::nullopt)) {}
  WriterHold& operator=(WriterHold&& other) noexcept;
  ~WriterHold() { Release(); }

 private:
  void Release();

  base::UniqueFd turn_;  // of those who write
  std::optional<store::Pending> entry_;
};

struct ContainerRoot {
  WriterHold hold;  // with kWrite of one that does not run; given up after the tree
  base::UniqueFd tree;
  // The mounts in it that are not files of the container: /proc, /dev, tmpfs. As of statx(2).
  std::set<uint64_t> own_mounts;
  // Owners are seen as the host's ids; these tell the container's. Empty: they are the same.
  std::vector<IdMapping> uids, gids;
};

// `store` is open for writing and outlives the result.
// Errors: NotFound [E_NO_CONTAINER]; FailedPrecondition [E_STATE] with kWrite if somebody is
// starting or ending it and does not come to an end within five seconds, NotFound with kWrite for a
// volume whose source is gone; those of FindImageRoot, MakePlan and mounting. Nothing is left
// behind; killed, it leaves an entry to the next sweep.
absl::StatusOr<ContainerRoot> OpenContainerRoot(const store::Store& store, const std::string& id,
                                                RootUse use);

// From here on this thread makes files as the container's root, which in a user namespace is nobody
// the host knows; no capability is given up. Nothing for one without. Errors: those of capset(2).
absl::Status ActAsRootOf(const ContainerRoot& root);

// The container's id of what the host knows as `id`; 65534 where nothing maps it.
uint32_t ContainerId(const std::vector<IdMapping>& mappings, uint32_t id);

// What a container has changed lies in `upper`, over `lowers`, the top one first.
struct ContainerLayers {
  base::UniqueFd upper;  // invalid: it has never been started
  std::vector<base::UniqueFd> lowers;
  // Where the runtime mounts what is the runtime's, and so makes empty files and directories:
  // "proc", "etc/hosts".
  std::set<std::string> mount_points;
};

// Errors: NotFound [E_NO_CONTAINER]; those of FindImageRoot.
absl::StatusOr<ContainerLayers> OpenContainerLayers(const store::Store& store,
                                                    const std::string& id);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_CONTAINER_ROOT_H_
