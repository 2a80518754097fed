// SPDX-License-Identifier: Apache-2.0
//
// The health check of a container: when it is due, the process that makes it (ns-exec), and what
// follows from its outcome. For a poll(2) loop; nothing here waits.
//
// Docker's rules: a check that exits 0 makes healthy; `retries` failures in a row make unhealthy.
// In the start period a failure does not count, until a check has succeeded, and the next one comes
// sooner. The time between two counts from the end of the first. A check that takes longer than its
// time is ended and has failed with -1.
//
// A check ends with its process. What that leaves behind in the container stays there, and what it
// then writes is nobody's: the reading end of its output is closed.

#ifndef STAVE_TOOLS_STAVE_MONITOR_HEALTH_H_
#define STAVE_TOOLS_STAVE_MONITOR_HEALTH_H_

#include <poll.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/base/deadline.h"
#include "libs/base/subprocess.h"
#include "libs/base/unique_fd.h"
#include "libs/oci/life_member.h"
#include "libs/store/health.h"

namespace stave::tools {

// Takes the outcome of a check into account; `ran`: since the container was started. Pure.
void NoteCheck(const oci::Health& wish, absl::Duration ran, store::HealthCheck check,
               store::Health* health);
// How long after a check the next one is due. Pure.
absl::Duration NextCheck(const oci::Health& wish, absl::Duration ran, const store::Health& health);

// Where ns-exec finds the container.
struct HealthPlace {
  std::string state, run, id;  // roots and container
  int run_fd = -1;             // its run folder, borrowed
};

class HealthWatch {
 public:
  // None if `wish` has no test. `started`: the container.
  HealthWatch(const oci::Health& wish, HealthPlace place, absl::Time started);
  ~HealthWatch();

  // What to wait for: the end of a check, what it writes, a moment.
  void AddTo(std::vector<pollfd>* polls);
  base::Deadline deadline() const;

  // To be called when one of those has come. The state, where it has changed.
  std::optional<store::Wellness> Serve(const std::vector<pollfd>& polls);

  // Ends a check that is under way, which may take 150 ms; there are no more.
  void Stop();

 private:
  absl::Status Start();
  std::optional<store::Wellness> Begin();
  void Read();
  void Urge();
  std::optional<store::Wellness> End();
  std::optional<store::Wellness> Finish(int exit_code);

  const oci::Health wish_;
  const HealthPlace place_;
  const absl::Time started_;
  store::Health health_;
  store::HealthCheck check_;
  base::UniqueFd output_;
  std::optional<base::ChildProcess> process_;          // of the one under way
  base::UniqueFd ended_;                               // its pidfd
  int urges_ = 0;                                      // to end, that it was sent
  base::Deadline due_ = base::Deadline::Never();       // of the next check
  base::Deadline too_late_ = base::Deadline::Never();  // of the one under way
  size_t output_slot_ = 0, ended_slot_ = 0;            // in the polls
};

}  // namespace stave::tools

#endif  // STAVE_TOOLS_STAVE_MONITOR_HEALTH_H_
