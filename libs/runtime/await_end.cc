// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/await_end.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/posix.h"
#include "libs/base/process.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"
#include "libs/base/unique_fd.h"
#include "libs/runtime/recover.h"
#include "libs/store/container_watch.h"
#include "libs/store/containers.h"
#include "libs/store/event_reader.h"
#include "libs/store/events.h"
#include "libs/store/name_link.h"
#include "libs/store/record.h"

namespace stave::runtime {
namespace {

absl::StatusOr<base::UniqueFd> OpenIfLives(const std::optional<base::ProcessIdentity>& identity) {
  if (!identity.has_value()) return base::UniqueFd();
  STAVE_ASSIGN_OR_RETURN(std::optional<base::UniqueFd> process, base::OpenProcess(*identity));
  return process.has_value() ? *std::move(process) : base::UniqueFd();
}

// Waits for `process` to end or `files` to change; either may be -1. False: the deadline passed.
absl::StatusOr<bool> WaitForChange(int process, int files, const base::Deadline& deadline) {
  pollfd ready[2] = {{process, POLLIN, 0}, {files, POLLIN, 0}};
  for (;;) {
    const int count = ::poll(ready, 2, deadline.PollTimeout());
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) return base::PosixError(errno, "container", "poll");
    if (deadline.Passed()) return false;
  }
}

// What the journal tells of the last end of `id`, whose record is gone.
std::optional<int> ToldCode(const store::Store& store, const std::string& id) {
  std::optional<int> code;
  auto reader = store::EventReader::Open(store, store::EventReader::From::kOldest);
  if (!reader.ok()) return code;
  while (const std::optional<std::string> line = reader->Next()) {
    if (!absl::StrContains(*line, id)) continue;
    const auto event = store::ParseEvent(*line);
    if (!event.ok() || event->id != id || event->action != "die") continue;
    code.reset();
    const auto told = event->attributes.find("exitCode");
    if (told == event->attributes.end()) continue;
    if (const auto number = base::ParseUint(told->second, 0, 255); number.ok()) {
      code = static_cast<int>(*number);
    }
  }
  return code;
}

// The run that is waited for, as it was first seen.
struct Run {
  bool live = false;
  store::Status status = store::Status::kCreated;
  int64_t restarts = 0;
  std::optional<base::ProcessIdentity> init;
};

// As written: one whose end is about to be written down is under way, too.
Run RunOf(const store::ContainerView& view) {
  Run run;
  run.status = view.status;
  if (view.state.has_value()) {
    run.status = view.state->status;
    run.restarts = view.state->restarts;
    run.init = view.state->init;
  }
  run.live = store::IsLive(run.status);
  return run;
}

// Whether `view` shows that `run` has been followed by another, or is about to be.
bool IsAnother(const Run& run, const store::ContainerView& view) {
  if (!run.live || !view.state.has_value() || !store::IsLive(view.status)) return false;
  if (view.state->restarts != run.restarts) return true;
  if (view.status == store::Status::kRestarting) return run.status == store::Status::kRunning;
  return run.init.has_value() && view.state->init.has_value() &&
         (run.init->pid != view.state->init->pid ||
          run.init->start_time != view.state->init->start_time);
}

// Of one that goes with its end (it has one run only) no exit.json is written.
SeenEnd EndOf(const store::Store& store, const store::ContainerView& view) {
  // Of one whose starts have failed, the code of the failure.
  if (view.status == store::Status::kCreated) {
    return SeenEnd{view.exit.has_value() ? view.exit->code.value_or(0) : 0};
  }
  if (view.exit.has_value() && view.exit->code.has_value()) return SeenEnd{view.exit->code};
  return SeenEnd{view.record.rm ? ToldCode(store, view.record.id) : std::nullopt};
}

// Whose end is what is to be waited for next: the first process, then who is to write its end down.
// Invalid: neither lives.
absl::StatusOr<base::UniqueFd> NextToEnd(const store::ContainerView& view) {
  if (!view.state.has_value() || !store::IsLive(view.state->status)) return base::UniqueFd();
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd init, OpenIfLives(view.state->init));
  if (init.valid()) return init;
  return OpenIfLives(view.state->runner);
}

// What is there of `id` and locked by who makes, watches or removes it; -1 if nothing is.
base::UniqueFd OpenLocked(const store::Store& store, const std::string& id) {
  constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  for (const char* folder : {"pending/", "foreground/"}) {
    base::UniqueFd entry(::openat(store.run(), absl::StrCat(folder, id).c_str(), kFlags));
    if (entry.valid()) return entry;
  }
  return base::UniqueFd(::openat(store.state(), absl::StrCat("trash/", id).c_str(), kFlags));
}

// Waits until nobody holds the lock of `fd`, in a child, since flock(2) knows no deadline.
absl::Status AwaitLock(int fd, const base::Deadline& deadline) {
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return base::PosixError(errno, "waiting", "fork");
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    // Its caller's other descriptors may be what keeps the lock.
    ::close_range(static_cast<unsigned>(fd) + 1, ~0U, 0);
    if (fd > 3) ::close_range(3, static_cast<unsigned>(fd) - 1, 0);
    while (::flock(fd, LOCK_SH) < 0 && errno == EINTR) {
    }
    ::_exit(0);
  }
  base::ChildProcess child(pid);  // killed, should it still be waiting
  const base::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd.valid()) return base::PosixError(errno, "waiting", "pidfd_open");
  return WaitForChange(pidfd.get(), -1, deadline).status();
}

// What is locked by nobody and still there was left by one that was killed, and is undone; but of a
// container whose watcher alone has died the payload is waited for.
absl::Status AfterLock(const store::Store& store, const std::string& id, int files,
                       const base::Deadline& deadline) {
  Sweep(store).IgnoreError();
  const auto view = store::GetContainer(store, id);
  if (!view.ok()) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd next, NextToEnd(*view));
  if (!next.valid()) return absl::OkStatus();
  return WaitForChange(next.get(), files, deadline).status();
}

}  // namespace

absl::Status AwaitMade(const store::Store& store, const std::string& id,
                       const base::Deadline& deadline) {
  const std::string entry = absl::StrCat("pending/", id);
  struct stat st;
  const auto is_made = [&] {
    return ::fstatat(store.run(), entry.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0;
  };
  if (is_made()) return absl::OkStatus();
  const base::UniqueFd changes(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  const std::string folder = absl::StrCat(store.run_path(), "/pending");
  if (!changes.valid() ||
      ::inotify_add_watch(changes.get(), folder.c_str(), IN_DELETE | IN_MOVED_FROM) < 0) {
    return base::PosixError(errno, folder, "watch");
  }
  while (!is_made()) {
    STAVE_ASSIGN_OR_RETURN(const bool changed, WaitForChange(-1, changes.get(), deadline));
    if (!changed) {
      return base::Error(absl::StatusCode::kDeadlineExceeded, "E_TIMEOUT",
                         absl::StrCat("container ", id, " is still being made"));
    }
    char notes[4096];
    while (::read(changes.get(), notes, sizeof notes) > 0) {
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<SeenEnd>> AwaitEnd(const store::Store& store, const std::string& id,
                                                const base::Deadline& deadline) {
  STAVE_ASSIGN_OR_RETURN(store::ContainerWatch watch, store::ContainerWatch::Start(store, id));
  STAVE_ASSIGN_OR_RETURN(store::ContainerView view, store::GetContainer(store, id));
  const Run run = RunOf(view);
  bool swept = false;
  for (;;) {
    if (IsAnother(run, view)) {
      const bool told =
          view.state->restarts != run.restarts || view.status == store::Status::kRestarting;
      return std::optional<SeenEnd>(SeenEnd{told ? view.state->last_code : ToldCode(store, id)});
    }
    STAVE_ASSIGN_OR_RETURN(const base::UniqueFd next, NextToEnd(view));
    if (!next.valid() && !store::IsLive(view.status)) {
      const bool written = !view.state.has_value() || !store::IsLive(view.state->status);
      if (written || swept) return std::optional<SeenEnd>(EndOf(store, view));
      // Its watcher has died and told nothing: what is known now is all that will be.
      Sweep(store).IgnoreError();
      swept = true;
    } else {
      STAVE_ASSIGN_OR_RETURN(const bool changed, WaitForChange(next.get(), watch.fd(), deadline));
      if (!changed) return std::optional<SeenEnd>();
      watch.Clear();
    }
    auto again = store::GetContainer(store, id);
    if (absl::IsNotFound(again.status())) {
      return std::optional<SeenEnd>(SeenEnd{ToldCode(store, id)});
    }
    if (!again.ok()) return again.status();
    view = *std::move(again);
  }
}

absl::Status AwaitGone(const store::Store& store, const std::string& id,
                       const base::Deadline& deadline) {
  for (;;) {
    STAVE_ASSIGN_OR_RETURN(store::ContainerWatch watch, store::ContainerWatch::Start(store, id));
    const base::UniqueFd locked = OpenLocked(store, id);
    if (!locked.valid() && !store::IsAnythingOf(store, id)) return absl::OkStatus();
    if (locked.valid()) {
      STAVE_RETURN_IF_ERROR(AwaitLock(locked.get(), deadline));
      if (!deadline.Passed()) {
        STAVE_RETURN_IF_ERROR(AfterLock(store, id, watch.fd(), deadline));
      }
    } else {
      STAVE_RETURN_IF_ERROR(WaitForChange(-1, watch.fd(), deadline).status());
    }
    if (deadline.Passed()) {
      return base::Error(absl::StatusCode::kDeadlineExceeded, "E_TIMEOUT",
                         absl::StrCat("container ", id, " is still there"));
    }
  }
}

}  // namespace stave::runtime
