// SPDX-License-Identifier: Apache-2.0
#include "libs/cgroup/oom_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/usage.h"

namespace stave::cgroup {
namespace {

constexpr size_t kMaxFile = 65536;

std::string ReadOrNothing(const std::string& path) {
  absl::StatusOr<std::string> text = base::ReadFileAt(AT_FDCWD, path, kMaxFile);
  return text.ok() ? *std::move(text) : "";
}

absl::StatusOr<base::UniqueFd> RegisterV1(const std::string& directory) {
  const std::string path = directory + "/memory.oom_control";
  const base::UniqueFd control(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (control.get() < 0) return base::PosixError(errno, path, "open");
  base::UniqueFd event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (event.get() < 0) return base::PosixError(errno, "eventfd", "eventfd");
  STAVE_RETURN_IF_ERROR(base::WriteFileAt(AT_FDCWD, directory + "/cgroup.event_control",
                                          absl::StrCat(event.get(), " ", control.get())));
  return event;
}

absl::StatusOr<base::UniqueFd> RegisterV2(const std::string& directory) {
  base::UniqueFd notify(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (notify.get() < 0) return base::PosixError(errno, "inotify", "inotify_init1");
  for (const char* file : {"/memory.events", "/cgroup.events"}) {
    const std::string path = directory + file;
    if (inotify_add_watch(notify.get(), path.c_str(), IN_MODIFY) < 0) {
      return base::PosixError(errno, path, "inotify_add_watch");
    }
  }
  return notify;
}

int64_t EventsSoFar(const std::string& directory) {
  return FindCount(ReadOrNothing(directory + "/memory.events"), "oom").value_or(0);
}

}  // namespace

absl::StatusOr<OomWatch> OomWatch::Start(const Cgroup& group) {
  const Cgroup::Place* place = group.Find("memory");
  const bool v1 = place != nullptr && place->hierarchy.version == Version::kV1;
  if (place == nullptr || (!v1 && ReadOrNothing(place->directory + "/memory.events").empty())) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "E_CGROUP",
                       absl::StrCat("cgroup ", group.path(), ": nothing counts its memory"));
  }
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd fd,
                         v1 ? RegisterV1(place->directory) : RegisterV2(place->directory));
  OomWatch watch(place->hierarchy.version, place->directory, std::move(fd));
  if (!v1) watch.events_ = EventsSoFar(watch.directory_);
  watch.NewKills();
  return watch;
}

int64_t OomWatch::NewKills() {
  const char* file = version_ == Version::kV1 ? "/memory.oom_control" : "/memory.events";
  const auto kills = FindCount(ReadOrNothing(directory_ + file), "oom_kill");
  return kills.has_value() ? *kills - std::exchange(kills_, *kills) : 0;
}

OomWatch::News OomWatch::TakeV1() {
  News news;
  uint64_t count = 0;
  if (read(fd_.get(), &count, sizeof(count)) != sizeof(count)) count = 0;
  news.ended = access(directory_.c_str(), F_OK) != 0;
  // The removal of the cgroup signals, too.
  news.events = static_cast<int64_t>(count) - (news.ended && count > 0 ? 1 : 0);
  news.kills = NewKills();
  return news;
}

OomWatch::News OomWatch::TakeV2() {
  char drained[4096];
  while (read(fd_.get(), drained, sizeof(drained)) > 0) {
  }
  News news;
  const std::string state = ReadOrNothing(directory_ + "/cgroup.events");
  news.ended = !absl::StrContains(state, "populated 1");
  const int64_t kills_before = kills_;
  news.kills = NewKills();
  const int64_t events = std::max(EventsSoFar(directory_), events_);
  news.events = events - std::exchange(events_, events);
  // A kill for a cgroup above, or by memory.oom.group, comes without an event of its own.
  if (news.events == 0 && kills_ > kills_before) news.events = 1;
  return news;
}

OomWatch::News OomWatch::Take() { return version_ == Version::kV1 ? TakeV1() : TakeV2(); }

}  // namespace stave::cgroup
