// SPDX-License-Identifier: Apache-2.0
//
// Being told when a cgroup runs out of memory.
//
//   v1: an eventfd, registered for memory.oom_control in cgroup.event_control
//   v2: inotify on memory.events and cgroup.events
//
//   STAVE_ASSIGN_OR_RETURN(OomWatch watch, OomWatch::Start(group));
//   ... poll(2) watch.fd() for POLLIN ...
//   const OomWatch::News news = watch.Take();
//
// On v1 the event comes before the kill, and none comes after it; on v2 the events of cgroups below
// count, on v1 those of the cgroups above do. Sources: kernel cgroup-v1/memory.rst "OOM Control",
// cgroup-v2.rst "memory.events".

#ifndef STAVE_LIBS_CGROUP_OOM_WATCH_H_
#define STAVE_LIBS_CGROUP_OOM_WATCH_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"
#include "libs/cgroup/cgroup.h"
#include "libs/cgroup/hierarchy.h"

namespace stave::cgroup {

class [[nodiscard]] OomWatch {
 public:
  struct News {
    int64_t events = 0;  // how often memory ran out: what `events` of an OCI runtime reports
    int64_t kills = 0;   // processes that were killed for it; on v1 perhaps told only next time
    bool ended = false;  // v1: the cgroup is gone; v2: that, or no process is left in it
  };

  // Starts to watch: what was before does not count. Errors: FailedPrecondition [E_CGROUP] if
  // nothing counts its memory; those of eventfd(2), inotify_init1(2) and write(2).
  static absl::StatusOr<OomWatch> Start(const Cgroup& group);

  // Readable when there may be news. Borrowed; not to be read.
  int fd() const { return fd_.get(); }

  // What happened since the last time. Does not wait.
  News Take();

 private:
  OomWatch(Version version, std::string directory, base::UniqueFd fd)
      : version_(version), directory_(std::move(directory)), fd_(std::move(fd)) {}

  News TakeV1();
  News TakeV2();
  int64_t NewKills();

  Version version_;
  std::string directory_;
  base::UniqueFd fd_;
  int64_t kills_ = 0;   // seen so far
  int64_t events_ = 0;  // v2: seen so far
};

}  // namespace stave::cgroup

#endif  // STAVE_LIBS_CGROUP_OOM_WATCH_H_
