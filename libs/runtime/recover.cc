// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/recover.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/process.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/cgroup.h"
#include "libs/cgroup/hierarchy.h"
#include "libs/store/container.h"
#include "libs/store/pending.h"
#include "libs/store/record.h"

namespace stave::runtime {
namespace {

constexpr absl::Duration kWatcherHas = absl::Seconds(10);

// Whether the cgroup bears the container's id, as all that ns-run makes do: no other is touched,
// whatever a state file says.
bool IsOf(const std::string& id, const std::string& cgroup) {
  return absl::EndsWith(cgroup, absl::StrCat("/", id));
}

absl::Status KillProcesses(const store::Store& store, const std::string& id) {
  const auto container = store::Container::Open(store, id);
  std::string path = CgroupPath(id);
  if (container.ok()) {
    const auto state = container->ReadState();
    if (state.ok()) {
      if (IsOf(id, state->cgroup)) path = state->cgroup;
      if (state->init) {
        const auto init = base::OpenProcess(*state->init);
        if (init.ok() && init->has_value())
          base::SignalProcess((*init)->get(), SIGKILL).IgnoreError();
      }
    }
  }
  const auto hierarchies = cgroup::FindHierarchies();
  if (!hierarchies.ok()) return hierarchies.status();
  const auto group = cgroup::Cgroup::Open(path, *hierarchies);
  return group.ok() ? group->Kill() : absl::OkStatus();
}

absl::Status RemoveCgroup(const store::Pending& entry) {
  const auto hierarchies = cgroup::FindHierarchies();
  if (!hierarchies.ok()) return hierarchies.status();
  std::string path = CgroupPath(entry.id());
  if (entry.has_container()) {
    const auto state = entry.container().ReadState();
    if (state.ok() && IsOf(entry.id(), state->cgroup)) path = state->cgroup;
  }
  return cgroup::Cgroup::RemoveByPath(path, *hierarchies);
}

absl::Status WriteUnknownEnd(const store::Container& container) {
  if (container.ReadExit().ok()) return absl::OkStatus();
  store::Exit exit;
  const auto state = container.ReadState();
  if (state.ok()) exit.started = state->started;
  exit.finished = absl::Now();
  const auto boot = base::BootId();
  exit.watcher_lost = state.ok() && state->runner && boot.ok() && state->runner->boot_id == *boot;
  return container.WriteExit(exit);
}

// The payload of a monitored container lives on when its monitor has died.
bool IsAlive(const store::Pending& entry) {
  if (!entry.intent().monitored || entry.phase() == store::Phase::kPending) return false;
  if (!entry.has_container()) return false;
  const auto state = entry.container().ReadState();
  if (!state.ok() || !state->init) return false;
  const auto init = base::OpenProcess(*state->init);
  return init.ok() && init->has_value();
}

absl::Status RecoverOne(const store::Store& store, store::Pending entry) {
  if (IsAlive(entry)) return absl::OkStatus();
  STAVE_RETURN_IF_ERROR(KillProcesses(store, entry.id()));
  STAVE_RETURN_IF_ERROR(RemoveCgroup(entry));
  const bool goes = entry.phase() == store::Phase::kPending || entry.intent().rm ||
                    !entry.intent().record || !entry.has_container();
  if (goes) return entry.Undo();
  STAVE_RETURN_IF_ERROR(WriteUnknownEnd(entry.container()));
  entry.container().RemoveState().IgnoreError();
  return entry.Done();
}

// Waits until RUN/foreground/ID is gone, which its watcher unlinks last, or is nobody's. False: its
// watcher lives, and has not done so.
bool WaitForWatcher(const store::Store& store, const std::string& id) {
  const base::UniqueFd events(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  const std::string folder = absl::StrCat(store.run_path(), "/foreground");
  if (!events.valid() || ::inotify_add_watch(events.get(), folder.c_str(), IN_DELETE) < 0) {
    return true;
  }
  const absl::Time deadline = absl::Now() + kWatcherHas;
  const std::string entry = absl::StrCat("foreground/", id);
  while (base::ExistsAt(store.run(), entry)) {
    const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
    if (left <= 0) return false;
    pollfd ready{events.get(), POLLIN, 0};
    // In slices: a watcher that was killed deletes nothing, and its lock is free.
    if (::poll(&ready, 1, static_cast<int>(std::min<int64_t>(left, 100))) == 0) {
      if (const auto stale = store::StaleEntries(store); stale.ok()) {
        for (const store::Pending& one : *stale) {
          if (one.id() == id) return true;
        }
      }
    }
    char buffer[4096];
    while (::read(events.get(), buffer, sizeof buffer) > 0) {
    }
  }
  return true;
}

}  // namespace

std::string CgroupPath(const std::string& id) { return absl::StrCat("/stave/", id); }

absl::Status Sweep(const store::Store& store) {
  STAVE_ASSIGN_OR_RETURN(std::vector<store::Pending> stale, store::StaleEntries(store));
  absl::Status first;
  for (store::Pending& entry : stale) {
    absl::Status recovered = RecoverOne(store, std::move(entry));
    if (first.ok()) first = std::move(recovered);
  }
  return first;
}

absl::Status Kill(const store::Store& store, const std::string& id) {
  STAVE_RETURN_IF_ERROR(KillProcesses(store, id));
  const bool done = WaitForWatcher(store, id);
  STAVE_RETURN_IF_ERROR(Sweep(store));
  if (done) return absl::OkStatus();
  return base::Error(absl::StatusCode::kDeadlineExceeded, "E_TIMEOUT",
                     "has not ended, or who watches it has not written that down");
}

}  // namespace stave::runtime
