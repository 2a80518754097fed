// SPDX-License-Identifier: Apache-2.0
//
// A container while it is being made: what create and run share. Internal to libs/lifecycle.
//
//   Creation creation(root, options);
//   absl::Status done = creation.Prepare(Creation::Gated::kYes, attachment);
//   if (done.ok()) done = creation.Launch(0, 1, 2);
//   if (done.ok()) done = creation.HandOver();
//   if (!done.ok()) creation.TakeBack();

#ifndef STAVE_LIBS_LIFECYCLE_CREATION_H_
#define STAVE_LIBS_LIFECYCLE_CREATION_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "libs/base/unique_fd.h"
#include "libs/cgroup/cgroup.h"
#include "libs/cgroup/hierarchy.h"
#include "libs/cgroup/plan.h"
#include "libs/lifecycle/bundle.h"
#include "libs/lifecycle/container.h"
#include "libs/lifecycle/create.h"
#include "libs/lifecycle/handover.h"
#include "libs/lifecycle/machine.h"
#include "libs/lifecycle/record.h"
#include "libs/lifecycle/root.h"
#include "libs/lifecycle/systemd_scope.h"
#include "libs/runtime/launch.h"
#include "libs/runtime/plan.h"
#include "libs/runtime/start_gate.h"

namespace stave::lifecycle {

class Creation {
 public:
  enum class Gated { kNo, kYes };

  // Both are borrowed.
  Creation(const Root& root, const CreateOptions& options) : root_(root), options_(options) {}

  // Reads the bundle and looks at what was asked for; changes nothing.
  absl::Status Read(Attachment attachment);
  // State directory, cgroup, root, FIFOs.
  absl::Status Prepare(Gated gated);
  // The first process, with these streams.
  absl::Status Launch(int in, int out, int err);
  // Terminal, state.json, pid file: what others look at. From here on the container is there.
  absl::Status HandOver();

  // Undoes all of it, after a failure.
  void TakeBack();
  // Gives up what only the maker needs: the lock and the cgroup's entries.
  void Finish();
  // After Finish(), for who has watched its end: as Delete() of remove.h by force, of this very
  // container, from what is known of it. One that somebody has deleted meanwhile is fine.
  absl::Status Delete();

  runtime::Plan& plan() { return bundle_.plan; }
  const Record& record() const { return record_; }
  runtime::Launched& launched() { return launched_; }

 private:
  absl::Status MakeState();
  absl::Status MakeGroup();
  void NameGroup();
  absl::Status EnterGroup(const cgroup::Hierarchies& hierarchies, cgroup::Limits* limits);
  absl::Status StartScope(const cgroup::Hierarchies& hierarchies, cgroup::Limits* limits);
  absl::Status LeaveScope();
  void AddListening();
  runtime::LaunchRequest Request(int in, int out, int err);
  void Say(const std::vector<std::string>& warnings) const;

  const Root& root_;
  const CreateOptions& options_;
  Machine machine_;
  Bundle bundle_;
  Inherited inherited_;
  Handover handover_;
  Record record_;
  std::optional<Container> container_;
  std::optional<cgroup::Cgroup> group_;
  std::optional<Scope> scope_;
  cgroup::Limits withheld_;  // what would keep the first process out beside the placeholder
  base::UniqueFd rootfs_;
  runtime::GateFiles gate_;
  runtime::Launched launched_;
  bool has_environment_ = false;  // hooks may have run
};

}  // namespace stave::lifecycle

#endif  // STAVE_LIBS_LIFECYCLE_CREATION_H_
