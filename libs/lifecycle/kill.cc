// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/kill.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/process.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/cgroup/freezer.h"
#include "libs/lifecycle/container.h"
#include "libs/lifecycle/group.h"

namespace stave::lifecycle {
namespace {

constexpr absl::Duration kFreezeHas = absl::Seconds(1);

absl::Status KillFirst(const Condition& condition, int signal) {
  if (!condition.init.valid()) return NotRunning();
  const absl::Status sent = base::SignalProcess(condition.init.get(), signal);
  return absl::IsNotFound(sent) ? NotRunning() : sent;
}

// Each is held by a pidfd before it is found in the cgroup a second time: no number can mean a
// stranger.
absl::Status SignalAll(const cgroup::Cgroup& group, int signal) {
  std::map<pid_t, base::UniqueFd> held;
  for (const pid_t pid : group.Processes()) {
    base::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (pidfd.valid()) held.emplace(pid, std::move(pidfd));
  }
  absl::Status first;
  for (const pid_t pid : group.Processes()) {
    const auto found = held.find(pid);
    if (found == held.end()) continue;
    absl::Status sent = base::SignalProcess(found->second.get(), signal);
    if (first.ok() && !absl::IsNotFound(sent)) first = std::move(sent);
  }
  return first;
}

absl::Status KillAll(const cgroup::Cgroup& group, int signal) {
  if (signal == SIGKILL) return group.Kill();
  // Frozen, so that none is missed that is being forked. A paused container stays as it is.
  const bool frozen = !cgroup::IsFrozen(group) && cgroup::Freeze(group, kFreezeHas).ok();
  const absl::Status sent = SignalAll(group, signal);
  if (frozen) STAVE_RETURN_IF_ERROR(cgroup::Thaw(group));
  return sent;
}

}  // namespace

absl::Status Kill(const Root& root, absl::string_view id, int signal, Whom whom) {
  STAVE_ASSIGN_OR_RETURN(const Container container, Container::Open(root, id));
  STAVE_ASSIGN_OR_RETURN(const Condition condition, container.Look(Freezer::kLeave));
  if (whom == Whom::kFirst) {
    STAVE_RETURN_IF_ERROR(KillFirst(condition, signal));
    if (signal != SIGKILL) return absl::OkStatus();
    const auto group = OpenGroup(condition.record);
    if (group.ok() && cgroup::IsFrozen(*group)) return cgroup::Thaw(*group);
    return absl::OkStatus();
  }
  const auto group = OpenGroup(condition.record);
  if (group.ok()) return KillAll(*group, signal);
  const absl::Status first = KillFirst(condition, signal);
  return condition.init.valid() ? first : absl::OkStatus();
}

}  // namespace stave::lifecycle
