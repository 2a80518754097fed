// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/stats.h"

#include <errno.h>
#include <poll.h>

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/cgroup.h"
#include "libs/cgroup/oom_watch.h"
#include "libs/cgroup/statistics.h"
#include "libs/lifecycle/container.h"
#include "libs/lifecycle/group.h"

namespace stave::lifecycle {
namespace {

// A container that runs, and its cgroup.
struct Subject {
  Condition condition;
  cgroup::Cgroup group;
};

absl::StatusOr<Subject> OpenSubject(const Root& root, absl::string_view id) {
  STAVE_ASSIGN_OR_RETURN(const Container container, Container::Open(root, id));
  STAVE_ASSIGN_OR_RETURN(Condition condition, container.Look(Freezer::kLeave));
  if (!condition.init.valid()) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "E_NOT_RUNNING",
                       absl::StrCat("container with id ", id, " is not running"));
  }
  STAVE_ASSIGN_OR_RETURN(cgroup::Cgroup group, OpenGroup(condition.record));
  return Subject{std::move(condition), std::move(group)};
}

json::Value Event(absl::string_view type, absl::string_view id) {
  return json::Value::Object(
      {{"type", json::Value::String(type)}, {"id", json::Value::String(id)}});
}

json::Value Stats(const Subject& subject) {
  json::Value event = Event("stats", subject.condition.record.id);
  event.Set("data", cgroup::StatisticsToJson(cgroup::ReadStatistics(subject.group)));
  return event;
}

int Milliseconds(absl::Duration left) {
  const int64_t whole = absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1)));
  constexpr int64_t kMost = 3600 * 1000;
  return static_cast<int>(whole < 0 ? 0 : whole < kMost ? whole : kMost);
}

}  // namespace

absl::StatusOr<json::Value> StatsEvent(const Root& root, absl::string_view id) {
  STAVE_ASSIGN_OR_RETURN(const Subject subject, OpenSubject(root, id));
  return Stats(subject);
}

absl::Status WatchEvents(const Root& root, absl::string_view id, absl::Duration interval,
                         const std::function<absl::Status(const json::Value& event)>& emit) {
  STAVE_ASSIGN_OR_RETURN(const Subject subject, OpenSubject(root, id));
  // Where nothing counts memory, none runs out.
  absl::StatusOr<cgroup::OomWatch> watch = cgroup::OomWatch::Start(subject.group);
  if (!watch.ok() && !absl::IsFailedPrecondition(watch.status())) return watch.status();
  absl::Time next = absl::Now();
  for (;;) {
    if (absl::Now() >= next) {
      STAVE_RETURN_IF_ERROR(emit(Stats(subject)));
      next = absl::Now() + interval;
    }
    pollfd waiting[2] = {{subject.condition.init.get(), POLLIN, 0},
                         {watch.ok() ? watch->fd() : -1, POLLIN, 0}};
    if (::poll(waiting, 2, Milliseconds(next - absl::Now())) < 0 && errno != EINTR) {
      return base::PosixError(errno, id, "poll");
    }
    if (waiting[1].revents != 0) {
      for (int64_t left = watch->Take().events; left > 0; --left) {
        STAVE_RETURN_IF_ERROR(emit(Event("oom", id)));
      }
    }
    if (waiting[0].revents != 0) return absl::OkStatus();
  }
}

}  // namespace stave::lifecycle
