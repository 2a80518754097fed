// SPDX-License-Identifier: Apache-2.0
//
// One cgroup: its directory in the v2 tree and in every v1 hierarchy, under one path.
//
//   STAVE_ASSIGN_OR_RETURN(const Hierarchies hierarchies, FindHierarchies());
//   STAVE_ASSIGN_OR_RETURN(const Limits limits, PlanLimits(resources, hierarchies));
//   STAVE_ASSIGN_OR_RETURN(Cgroup group, Cgroup::Create("/stave/ID", hierarchies, limits));
//   STAVE_RETURN_IF_ERROR(group.Apply(limits));
//   ... clone3 with CLONE_INTO_CGROUP and group.directory_fd(), if that is not negative;
//       in the child: WriteTasks(group.task_fds()) ...
//
// Why two ways in: to write a pid into cgroup.procs waits for an RCU grace period (11 ms in a quiet
// system). A single-threaded process that writes 0 to a v1 `tasks` file does not, nor does
// CLONE_INTO_CGROUP. On hybrid machines both are used: the v2 directory by the clone, v1 by the
// writes; there the v2 directory costs 0.1 ms in this way and 7 ms through cgroup.procs, so every
// cgroup has one, and a container sees itself at the root of each hierarchy. Sources: cgroups(7),
// clone3(2); kernel admin-guide/cgroup-v2.rst.

#ifndef STAVE_LIBS_CGROUP_CGROUP_H_
#define STAVE_LIBS_CGROUP_CGROUP_H_

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "libs/base/unique_fd.h"
#include "libs/cgroup/hierarchy.h"
#include "libs/cgroup/plan.h"
#include "libs/cgroup/update.h"
#include "libs/cgroup/usage.h"

namespace stave::cgroup {

// A host directory of a cgroup and where a container sees it, below its /sys/fs/cgroup.
struct BindPath {
  std::string source;                // "/sys/fs/cgroup/cpu,cpuacct/stave/ID"
  std::string name;                  // "cpu,cpuacct"; "" for pure v2: /sys/fs/cgroup itself
  std::vector<std::string> aliases;  // symbolic links to make beside it: "cpu", "cpuacct"
};

class [[nodiscard]] Cgroup {
 public:
  // Makes the cgroup `path` ("/stave/ID", relative to each mount point) in every hierarchy, with
  // its ancestors; on v2 enables for it the controllers that `limits` needs and those that count
  // usage; on v1 copies cpuset.cpus and cpuset.mems down, without which no task may enter. The
  // result owns the cgroup. Errors: InvalidArgument for a path that is not absolute, plain and
  // below the root; AlreadyExists; PermissionDenied with a hint about delegation;
  // FailedPrecondition [E_CGROUP] if a controller cannot be enabled. On failure nothing of `path`
  // is left; ancestors stay, as they do after Remove().
  static absl::StatusOr<Cgroup> Create(const std::string& path, const Hierarchies& hierarchies,
                                       const Limits& limits);

  // An existing cgroup, without owning it; hierarchies that do not have it are left out.
  // Errors: NotFound if none has it.
  static absl::StatusOr<Cgroup> Open(const std::string& path, const Hierarchies& hierarchies);

  // Kills what is in `path` and below, and removes it. NotFound is fine. For crash recovery.
  static absl::Status RemoveByPath(const std::string& path, const Hierarchies& hierarchies);

  Cgroup(Cgroup&& other) noexcept;
  Cgroup& operator=(Cgroup&&) = delete;
  // Kills and removes an owned cgroup.
  ~Cgroup();

  // Gives up the ownership: the cgroup stays when this goes.
  void Release() { owned_ = false; }

  const std::string& path() const { return path_; }

  // Makes the writes, in order, and attaches the device program, in the place of an older one.
  // Stops at the first failure; earlier writes stay in force. Limits for a new cgroup must come
  // before the first process enters. With pids.limit 0 CLONE_INTO_CGROUP fails with EAGAIN, while
  // entering by `tasks` works. A controller of v2 that was not enabled for it is enabled.
  // Errors: those of write(2), with member, file and value, and for memory with what is in use;
  // FailedPrecondition [E_CGROUP] if an interface file does not exist, or the controller is not to
  // be had.
  absl::Status Apply(const Limits& limits);

  // The v2 directory for CLONE_INTO_CGROUP, or -1 on pure v1. Borrowed.
  int directory_fd() const { return directory_.get(); }
  // The open `tasks` files of the v1 hierarchies; empty on pure v2, or after Open(). Borrowed.
  const std::vector<int>& task_fds() const { return task_numbers_; }
  // Opens both kinds after Open(), for one more process; Create() has done so.
  absl::Status OpenEntries();
  // Closes both kinds; for a watcher that no longer needs them.
  void CloseEntries();

  // `failed`, the error of a clone into directory_fd(), with a hint where the v2 tree shows the
  // cause: a threaded cgroup above, controllers given to cgroups below, or a full limit of tasks.
  absl::Status ExplainEntry(absl::Status failed) const;

  // Adds another process by its pid: the slow way, for a process that is already there.
  absl::Status Add(pid_t pid) const;

  // The host directories to bind read-only into the container.
  std::vector<BindPath> BindPaths() const;

  // Sends SIGKILL to every process in it and below: cgroup.kill, else freeze, kill and thaw until
  // there is none. What was frozen before, it or one below it, is thawed, else it would not die.
  // Does not wait for them to be gone.
  absl::Status Kill() const;

  // Removes the directories, those below it first. Processes that are dying are waited for, for
  // `timeout` at most. Errors: FailedPrecondition [E_STATE] if live processes remain.
  absl::Status Remove(absl::Duration timeout);

  // Both: removes what is empty, kills what is left and removes that. For a cgroup whose processes
  // should be gone it costs one rmdir(2) a hierarchy. Errors: those of Remove().
  absl::Status End(absl::Duration timeout);

  // The processes in it and below it, in any of its hierarchies, sorted. Those of pid namespaces
  // that the caller does not see are left out.
  std::vector<pid_t> Processes() const;

  // What has been used so far. Files that are missing leave their members absent.
  Usage ReadUsage() const;

  // What is in force, for PlanUpdate. Files that are missing leave the values of a new cgroup.
  CurrentLimits ReadLimits() const;

  // Its directory in one hierarchy.
  struct Place {
    Hierarchy hierarchy;
    std::string directory;  // absolute
  };
  // The place that has `controller` ("memory"; "cgroup": the v2 tree), or nullptr.
  const Place* Find(absl::string_view controller) const;
  // Whether it is in a v1 hierarchy, too or only.
  bool HasV1() const {
    return !places_.empty() && places_.front().hierarchy.version == Version::kV1;
  }

 private:
  Cgroup(std::string path, bool owned) : path_(std::move(path)), owned_(owned) {}

  void RemoveEmpty();
  absl::Status CreatePlace(const Hierarchy& hierarchy, const Limits& limits);
  class OpenFile;  // the interface file that was written last
  absl::Status ApplySetting(const Setting& setting, OpenFile* file) const;
  bool Enable(const Place& place, const std::string& controller) const;  // whether that changed it

  std::string path_;
  bool owned_;
  std::vector<Place> places_;
  base::UniqueFd directory_;
  std::vector<base::UniqueFd> tasks_;
  std::vector<int> task_numbers_;
};

// Moves the calling thread into the cgroups behind `fds`: writes 0 to each. Async-signal-safe, for
// the child between clone and exec. Returns 0 or errno.
int WriteTasks(absl::Span<const int> fds);

}  // namespace stave::cgroup

#endif  // STAVE_LIBS_CGROUP_CGROUP_H_
