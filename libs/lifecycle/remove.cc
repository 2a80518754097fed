// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/remove.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/error.h"
#include "libs/base/process.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/cgroup.h"
#include "libs/cgroup/freezer.h"
#include "libs/cgroup/hierarchy.h"
#include "libs/json/parse.h"
#include "libs/lifecycle/bundle.h"
#include "libs/lifecycle/group.h"
#include "libs/lifecycle/host_mount.h"
#include "libs/lifecycle/systemd_scope.h"
#include "libs/runtime/hook.h"

namespace stave::lifecycle {
namespace {

constexpr absl::Duration kDyingHas = absl::Seconds(10);
constexpr int kLockPause = 10;  // milliseconds

absl::Status StillAlive(const std::string& id) {
  return base::Error(absl::StatusCode::kFailedPrecondition, "E_STATE",
                     absl::StrCat("container \"", id, "\": its first process does not die"));
}

bool WaitForEnd(int pidfd) {
  const absl::Time deadline = absl::Now() + kDyingHas;
  for (;;) {
    pollfd ended = {pidfd, POLLIN, 0};
    const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
    const int ready = ::poll(&ended, 1, left > 0 ? static_cast<int>(left) : 0);
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

// SIGKILL to all that is in it, without a lock and without waiting.
void KillNow(const Container& container) {
  const auto condition = container.Look(Freezer::kLeave);
  if (!condition.ok()) return;
  if (condition->init.valid() && condition->record.init) {
    base::SignalProcess(condition->init.get(), SIGKILL).IgnoreError();
  }
  if (const auto group = OpenGroup(condition->record); group.ok()) group->Kill().IgnoreError();
}

// What follows from the id alone.
absl::Status RemoveDamaged(const Root& root, Container* container) {
  STAVE_ASSIGN_OR_RETURN(const cgroup::Hierarchies hierarchies, cgroup::FindHierarchies());
  STAVE_RETURN_IF_ERROR(
      cgroup::Cgroup::RemoveByPath(absl::StrCat("/stave/", container->id()), hierarchies));
  return container->Remove(root);
}

absl::Status CheckStopped(const Container& container, const Condition& condition) {
  if (condition.status == Status::kStopped) return absl::OkStatus();
  return base::WithHint(
      base::Error(absl::StatusCode::kFailedPrecondition, "E_RUNNING",
                  absl::StrCat("cannot delete container ", container.id(),
                               " that is not stopped: ", StatusName(condition.status))),
      "kill it first, or use delete --force");
}

// Ends its first process and waits for that. In a pid namespace of its own all others go with it.
absl::Status EndFirst(const Container& container, const Condition& condition,
                      const cgroup::Cgroup* group) {
  if (!condition.init.valid() || !condition.record.init) return absl::OkStatus();
  const absl::Status sent = base::SignalProcess(condition.init.get(), SIGKILL);
  if (absl::IsNotFound(sent)) return absl::OkStatus();
  // What is paused does not die before.
  if (group != nullptr && cgroup::IsFrozen(*group)) STAVE_RETURN_IF_ERROR(cgroup::Thaw(*group));
  return WaitForEnd(condition.init.get()) ? absl::OkStatus() : StillAlive(container.id());
}

absl::Status EndAll(const Container& container, const Condition& condition, cgroup::Cgroup* group) {
  STAVE_RETURN_IF_ERROR(EndFirst(container, condition, group));
  return group != nullptr ? group->End(kDyingHas) : absl::OkStatus();
}

absl::Status FindAndEndAll(const Container& container, const Condition& condition) {
  absl::StatusOr<cgroup::Cgroup> group = OpenGroup(condition.record);
  if (!group.ok() && !absl::IsNotFound(group.status())) return group.status();
  return EndAll(container, condition, group.ok() ? &*group : nullptr);
}

// A unit that cannot be stopped goes by itself: nobody is in it any more.
void StopUnit(const Record& record, const Warn& warn) {
  if (record.scope.empty()) return;
  const absl::Status stopped = StopScope(record.scope);
  if (!stopped.ok() && warn) warn(std::string(stopped.message()));
}

// Hooks poststop of a config. Most have none, and are not parsed for it.
std::optional<std::string> PoststopConfig(const Container& container, const Warn& warn) {
  absl::StatusOr<std::string> text = container.ReadConfig();
  if (!text.ok()) {
    if (warn) warn(std::string(text.status().message()));
    return std::nullopt;
  }
  const bool may = absl::StrContains(*text, "\"poststop\"") || absl::StrContains(*text, "\\u");
  return may ? std::optional<std::string>(*std::move(text)) : std::nullopt;
}

}  // namespace

absl::Status LockByForce(Container* container) {
  const absl::Time deadline = absl::Now() + kDyingHas;
  for (;;) {
    STAVE_ASSIGN_OR_RETURN(const bool ours, container->TryLock());
    if (ours) return absl::OkStatus();
    if (absl::Now() > deadline) {
      return base::Error(
          absl::StatusCode::kFailedPrecondition, "E_STATE",
          absl::StrCat("container \"", container->id(), "\": another command is still at it"));
    }
    KillNow(*container);
    ::poll(nullptr, 0, kLockPause);
  }
}

void RunPoststop(const runtime::Hooks& hooks, const Record& record, const Warn& warn) {
  const std::string state = json::Print(StateJson(record, StatusName(Status::kStopped), 0));
  runtime::RunAllHooks(hooks.poststop, "poststop", state, warn);
}

absl::Status DeleteLocked(const Root& root, Container* container, const Condition& condition,
                          const Warn& warn, Known known) {
  STAVE_RETURN_IF_ERROR(known.group != nullptr ? EndAll(*container, condition, known.group)
                                               : FindAndEndAll(*container, condition));
  const Record& record = condition.record;
  if (record.covered_mount != 0) {
    STAVE_RETURN_IF_ERROR(Uncover(record.rootfs, record.covered_mount));
  }
  StopUnit(record, warn);
  std::optional<std::string> config;
  if (known.hooks == nullptr) config = PoststopConfig(*container, warn);
  STAVE_RETURN_IF_ERROR(container->Remove(root));
  if (known.hooks != nullptr) RunPoststop(*known.hooks, record, warn);
  if (!config) return absl::OkStatus();
  const auto bundle = ReadConfig(*std::move(config), condition.record.bundle, container->id(),
                                 ManagerOf(condition.record));
  if (bundle.ok()) {
    RunPoststop(bundle->plan.hooks, condition.record, warn);
  } else if (warn) {
    warn(absl::StrCat("hooks poststop are not run: ", bundle.status().message()));
  }
  return absl::OkStatus();
}

absl::Status Delete(const Root& root, absl::string_view id, Force force, const Warn& warn) {
  absl::StatusOr<Container> container = Container::Open(root, id);
  if (force == Force::kYes) RemoveStrays(root, id);
  absl::Status locked = container.status();
  if (container.ok()) {
    locked = force == Force::kYes ? LockByForce(&*container) : container->Lock();
  }
  if (force == Force::kYes && absl::IsNotFound(locked)) return absl::OkStatus();
  if (!locked.ok()) return locked;
  const auto condition = container->Look(force == Force::kYes ? Freezer::kLeave : Freezer::kAsk);
  if (!condition.ok()) {
    const bool remove = force == Force::kYes && absl::IsDataLoss(condition.status());
    return remove ? RemoveDamaged(root, &*container) : condition.status();
  }
  if (force == Force::kNo) STAVE_RETURN_IF_ERROR(CheckStopped(*container, *condition));
  return DeleteLocked(root, &*container, *condition, warn);
}

}  // namespace stave::lifecycle
