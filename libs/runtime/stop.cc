// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/stop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "libs/base/deadline.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/process.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/json/parse.h"
#include "libs/oci/life_member.h"
#include "libs/runtime/await_end.h"
#include "libs/runtime/by_monitor.h"
#include "libs/runtime/container_group.h"
#include "libs/runtime/pause.h"
#include "libs/store/container.h"
#include "libs/store/containers.h"
#include "libs/store/events.h"
#include "libs/store/record.h"

namespace stave::runtime {
namespace {

constexpr absl::Duration kUsualGrace = absl::Seconds(10);
constexpr absl::Duration kEndHas = absl::Seconds(10);  // from SIGKILL to exit.json

absl::Status NotRunning(const std::string& id) {
  return base::Error(absl::StatusCode::kFailedPrecondition, "E_NOT_RUNNING",
                     absl::StrCat("container ", id, " is not running"));
}

// What was asked for, and where it was not, what the container's document says. A document that
// cannot be read keeps nobody from stopping the container.
StopWishes Complete(const store::Store& store, const std::string& id, StopWishes wishes) {
  const auto container = store::Container::Open(store, id);
  const auto document = container.ok() ? container->ReadDocument() : container.status();
  const auto life = document.ok() ? oci::GetLife(*document) : document.status();
  if (life.ok() && !wishes.grace && life->stop.timeout) {
    wishes.grace =
        *life->stop.timeout < 0 ? absl::InfiniteDuration() : absl::Seconds(*life->stop.timeout);
  }
  if (life.ok() && !wishes.signal && !life->stop.signal.empty()) {
    const auto signal = base::ParseSignal(life->stop.signal);
    if (signal.ok()) wishes.signal = *signal;
  }
  if (!wishes.grace) wishes.grace = kUsualGrace;
  if (!wishes.signal) wishes.signal = SIGTERM;
  return wishes;
}

// A pidfd of its first process; invalid if that is gone.
absl::StatusOr<base::UniqueFd> OpenInit(const store::ContainerView& view) {
  if (!view.state.has_value() || !view.state->init.has_value()) return base::UniqueFd();
  STAVE_ASSIGN_OR_RETURN(std::optional<base::UniqueFd> init, base::OpenProcess(*view.state->init));
  return init.has_value() ? *std::move(init) : base::UniqueFd();
}

// Errors but that of a process that has ended.
absl::Status Send(int pidfd, int signal) {
  const absl::Status sent = base::SignalProcess(pidfd, signal);
  return absl::IsNotFound(sent) ? absl::OkStatus() : sent;
}

// Whether the process behind `pidfd` has ended by then.
absl::StatusOr<bool> EndsBy(int pidfd, const base::Deadline& deadline) {
  pollfd ready{pidfd, POLLIN, 0};
  for (;;) {
    const int count = ::poll(&ready, 1, deadline.PollTimeout());
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) return base::PosixError(errno, "container", "poll");
    if (deadline.Passed()) return false;
  }
}

void TellKill(const store::Store& store, const store::ContainerView& view, int signal) {
  store::AppendEvent(store, "kill", view.record.id, view.record.name,
                     {{"signal", absl::StrCat(signal)}});
}

// All of its cgroup, which is thawed for it, and the first process by itself: it may have none.
absl::Status KillAll(const store::ContainerView& view, int init) {
  STAVE_RETURN_IF_ERROR(Send(init, SIGKILL));
  const auto group = OpenCgroupOf(view);
  return group.ok() ? group->Kill() : absl::OkStatus();
}

// Until its end has been written down; `init` has been killed, or has ended.
absl::Status AwaitWrittenEnd(const store::Store& store, const std::string& id) {
  const auto end = AwaitEnd(store, id, base::Deadline::After(kEndHas));
  if (absl::IsNotFound(end.status())) return absl::OkStatus();  // --rm
  if (!end.ok()) return end.status();
  if (end->has_value()) return absl::OkStatus();
  return base::Error(absl::StatusCode::kDeadlineExceeded, "E_TIMEOUT",
                     absl::StrCat("container ", id,
                                  ": has not ended, or who watches it has not written that down"));
}

absl::Status StopDirectly(const store::Store& store, const store::ContainerView& view,
                          const StopWishes& wishes) {
  const std::string& id = view.record.id;
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd init, OpenInit(view));
  if (!init.valid()) return AwaitWrittenEnd(store, id);
  const auto deadline = base::Deadline::After(*wishes.grace);
  STAVE_RETURN_IF_ERROR(Send(init.get(), *wishes.signal));
  TellKill(store, view, *wishes.signal);
  ThawIfPaused(store, view);
  STAVE_ASSIGN_OR_RETURN(const bool ended, EndsBy(init.get(), deadline));
  if (!ended) {
    STAVE_RETURN_IF_ERROR(KillAll(view, init.get()));
    TellKill(store, view, SIGKILL);
  }
  return AwaitWrittenEnd(store, id);
}

absl::Status SignalDirectly(const store::ContainerView& view, int signal) {
  const std::string& id = view.record.id;
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd init, OpenInit(view));
  if (!init.valid()) return NotRunning(id);
  if (signal == SIGKILL) return KillAll(view, init.get());
  const absl::Status sent = base::SignalProcess(init.get(), signal);
  return absl::IsNotFound(sent) ? NotRunning(id) : sent;
}

}  // namespace

absl::Status Stop(const store::Store& store, const std::string& id, const StopWishes& wishes) {
  STAVE_ASSIGN_OR_RETURN(const store::ContainerView view, store::GetContainer(store, id));
  const bool live = store::IsLive(view.status);
  // One whose end is about to be written down is waited for.
  if (!live && (!view.state.has_value() || !store::IsLive(view.state->status))) {
    return absl::OkStatus();
  }
  const StopWishes whole = Complete(store, id, wishes);
  const auto container = store::Container::Open(store, id);
  bool stopped = false;
  if (live && container.ok()) {
    const auto begun = [&] {
      TellKill(store, view, *whole.signal);
      ThawIfPaused(store, view);
    };
    STAVE_ASSIGN_OR_RETURN(stopped, StopByMonitor(*container, *whole.signal, *whole.grace, begun));
  }
  if (!stopped) STAVE_RETURN_IF_ERROR(StopDirectly(store, view, whole));
  if (live) store::AppendEvent(store, "stop", id, view.record.name);
  return absl::OkStatus();
}

absl::Status SendSignal(const store::Store& store, const std::string& id, int signal) {
  STAVE_ASSIGN_OR_RETURN(const store::ContainerView view, store::GetContainer(store, id));
  if (!store::IsLive(view.status)) return NotRunning(id);
  STAVE_ASSIGN_OR_RETURN(const store::Container container, store::Container::Open(store, id));
  STAVE_ASSIGN_OR_RETURN(const bool sent, SignalByMonitor(container, signal));
  if (sent && signal == SIGKILL) ThawIfPaused(store, view);
  if (!sent) STAVE_RETURN_IF_ERROR(SignalDirectly(view, signal));
  TellKill(store, view, signal);
  return signal == SIGKILL ? AwaitWrittenEnd(store, id) : absl::OkStatus();
}

}  // namespace stave::runtime
