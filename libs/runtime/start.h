// SPDX-License-Identifier: Apache-2.0
//
// A start of a container that has its entry and its folders (creation.h): cgroup, root filesystem,
// process, state.json.
//
//   Start start(store, &created.entry, std::move(created.plan), document, warn);
//   STAVE_RETURN_IF_ERROR(start.Prepare());                     // or TakeBack()
//   STAVE_ASSIGN_OR_RETURN(Launched launched, start.Launch(streams));
//   STAVE_RETURN_IF_ERROR(start.WriteRunning(launched));
//
// Everything that is made can be found by the id, so who is killed here is undone by the next
// command (recover.h).

#ifndef STAVE_LIBS_RUNTIME_START_H_
#define STAVE_LIBS_RUNTIME_START_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"
#include "libs/cgroup/cgroup.h"
#include "libs/json/value.h"
#include "libs/pty/terminal.h"
#include "libs/runtime/launch.h"
#include "libs/runtime/plan.h"
#include "libs/runtime/session_hooks.h"
#include "libs/store/pending.h"
#include "libs/store/record.h"
#include "libs/store/store.h"

namespace stave::runtime {

struct StartStreams {
  int in = 0, out = 1, err = 2;  // borrowed
  pty::Size size;                // of a terminal, where the document says none
  Lifetime lifetime = Lifetime::kWithCaller;
};

class Start {
 public:
  using Warn = std::function<void(const std::string& message)>;

  // Borrows `store` and `entry`; `plan` is `document`'s. `warn` may be null.
  Start(const store::Store& store, store::Pending* entry, Plan plan, const json::Value& document,
        Warn warn);

  // Host files, shared namespaces, cgroup and root filesystem. Errors: those of making them, with
  // what the user gave; then TakeBack.
  absl::Status Prepare();

  // Errors: those of runtime::Launch, with an exit code (report.h); then TakeBack.
  absl::StatusOr<Launched> Launch(const StartStreams& streams);

  // What a restart keeps of the runs before (record.h). Until the next one runs, its state says
  // that it is restarting: who stops it at that moment, or waits for it, must not take it for
  // ended.
  void SetRestarts(int64_t restarts, std::optional<int> last_code, std::optional<store::Exit> last);

  // state.json says so, the entry is in foreground/, how it ended the last time is forgotten, hooks
  // poststart have run. Errors: those of writing; [E_HOOK]; then TakeBack.
  absl::Status WriteRunning(const Launched& launched);

  // Kills and removes what was made; the container goes, too, if it did not exist before.
  void TakeBack();
  // The same without the container's own folders: one that ran and whose end cannot be written down
  // is left, with all that the payload has written, to the next command.
  void EndGroup();

  const Plan& plan() const { return plan_; }
  const SessionHooks& hooks() const { return hooks_; }
  const store::State& state() const { return state_; }
  // nullopt: it is in the caller's.
  std::optional<cgroup::Cgroup>& group() { return group_; }
  // Lets go of the root filesystem, which the container has.
  void ReleaseRoot() { root_.Reset(); }

 private:
  absl::Status MakeCgroup();
  absl::Status MakeRoot();
  absl::Status MakeImageRoot();

  const store::Store& store_;
  store::Pending& entry_;
  Plan plan_;
  const json::Value& document_;
  const Warn warn_;
  SessionHooks hooks_;
  std::optional<cgroup::Cgroup> group_;
  base::UniqueFd root_;
  std::vector<base::UniqueFd> shared_;  // of other containers; plan_ refers to them
  Ownership ownership_ = Ownership::kHost;
  store::State state_;
};

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_START_H_
