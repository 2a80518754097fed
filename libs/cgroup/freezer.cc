// SPDX-License-Identifier: Apache-2.0
#include "libs/cgroup/freezer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"

namespace stave::cgroup {
namespace {

constexpr size_t kMaxFile = 4096;
constexpr int kRoundsToThaw = 50;

// The file that freezes, and its words.
struct Switch {
  std::string directory;
  bool is_v1 = false;
  std::string path;
  const char* on = "";
  const char* off = "";
};

absl::StatusOr<Switch> FindSwitch(const Cgroup& group) {
  if (const Cgroup::Place* v1 = group.Find("freezer"); v1 != nullptr) {
    return Switch{v1->directory, true, v1->directory + "/freezer.state", "FROZEN", "THAWED"};
  }
  const Cgroup::Place* v2 = group.Find("cgroup");
  const std::string path = v2 == nullptr ? "" : v2->directory + "/cgroup.freeze";
  if (v2 != nullptr && access(path.c_str(), F_OK) == 0) {
    return Switch{v2->directory, false, path, "1", "0"};
  }
  return base::Error(absl::StatusCode::kFailedPrecondition, "E_CGROUP",
                     absl::StrCat("cgroup ", group.path(), ": has no freezer"));
}

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(duration, absl::Milliseconds(1))));
}

// The state is looked at when it is read, and does not change by itself. Where processes keep
// coming the kernel can miss some: to write again catches them, and to thaw for a moment those that
// wait for one which is frozen (vfork).
absl::StatusOr<bool> FreezeV1(const Switch& freezer, absl::Time deadline) {
  absl::Duration pause = absl::Microseconds(100);
  for (int round = 1;; ++round) {
    STAVE_RETURN_IF_ERROR(base::WriteFileAt(AT_FDCWD, freezer.path, freezer.on));
    STAVE_ASSIGN_OR_RETURN(const std::string state,
                           base::ReadFileAt(AT_FDCWD, freezer.path, kMaxFile));
    if (absl::StartsWith(state, "FROZEN")) return true;
    if (absl::Now() >= deadline) return false;
    if (round % kRoundsToThaw == 0) {
      STAVE_RETURN_IF_ERROR(base::WriteFileAt(AT_FDCWD, freezer.path, freezer.off));
    }
    absl::SleepFor(std::min(pause, deadline - absl::Now()));
    pause = std::min(pause * 2, absl::Milliseconds(10));
  }
}

absl::StatusOr<bool> FreezeV2(const Switch& freezer, absl::Time deadline) {
  const std::string path = freezer.directory + "/cgroup.events";
  const base::UniqueFd events(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (events.get() < 0) return base::PosixError(errno, path, "open");
  STAVE_RETURN_IF_ERROR(base::WriteFileAt(AT_FDCWD, freezer.path, freezer.on));
  while (true) {
    char text[256];
    const ssize_t size = pread(events.get(), text, sizeof(text), 0);
    if (size < 0) return base::PosixError(errno, path, "read");
    if (absl::StrContains(absl::string_view(text, static_cast<size_t>(size)), "frozen 1")) {
      return true;
    }
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) return false;
    pollfd waiting = {events.get(), POLLPRI, 0};
    if (poll(&waiting, 1, Milliseconds(left)) < 0 && errno != EINTR) {
      return base::PosixError(errno, path, "poll");
    }
  }
}

}  // namespace

absl::Status Freeze(const Cgroup& group, absl::Duration timeout) {
  STAVE_ASSIGN_OR_RETURN(const Switch freezer, FindSwitch(group));
  const absl::Time deadline = absl::Now() + timeout;
  const absl::StatusOr<bool> frozen =
      freezer.is_v1 ? FreezeV1(freezer, deadline) : FreezeV2(freezer, deadline);
  if (frozen.ok() && *frozen) return absl::OkStatus();
  (void)base::WriteFileAt(AT_FDCWD, freezer.path, freezer.off);
  if (!frozen.ok()) return frozen.status();
  return base::Error(absl::StatusCode::kAborted, "E_TIMEOUT",
                     absl::StrCat("cgroup ", group.path(), ": is not frozen after ",
                                  absl::FormatDuration(timeout)));
}

absl::Status Thaw(const Cgroup& group) {
  STAVE_ASSIGN_OR_RETURN(const Switch freezer, FindSwitch(group));
  return base::WriteFileAt(AT_FDCWD, freezer.path, freezer.off);
}

bool IsFrozen(const Cgroup& group) {
  const absl::StatusOr<Switch> freezer = FindSwitch(group);
  if (!freezer.ok()) return false;
  const auto own = base::ReadFileAt(
      AT_FDCWD, freezer->is_v1 ? freezer->directory + "/freezer.self_freezing" : freezer->path,
      kMaxFile);
  return own.ok() && absl::StartsWith(*own, "1");
}

}  // namespace stave::cgroup
