// SPDX-License-Identifier: Apache-2.0
#include "libs/monitor/restart_policy.h"

#include <algorithm>

namespace stave::monitor {
namespace {

constexpr absl::Duration kFirstWait = absl::Milliseconds(100);
constexpr absl::Duration kLongestWait = absl::Minutes(1);
constexpr absl::Duration kLongRun = absl::Seconds(10);

bool Wants(const oci::Restart& policy, const RunThatEnded& run, int64_t failures) {
  if (run.stopped) return false;
  switch (policy.policy) {
    case oci::RestartPolicy::kNo:
      return false;
    case oci::RestartPolicy::kAlways:
    case oci::RestartPolicy::kUnlessStopped:
      return true;
    case oci::RestartPolicy::kOnFailure:
      return run.code != 0 && (policy.retries == 0 || failures <= policy.retries);
  }
  return false;
}

}  // namespace

std::optional<absl::Duration> NextStart(const oci::Restart& policy, const RunThatEnded& run,
                                        RestartHistory* history) {
  const bool anew = run.ran >= kLongRun;
  const int64_t failures = run.code == 0 ? 0 : anew ? 1 : history->failures + 1;
  if (!Wants(policy, run, failures)) return std::nullopt;
  history->failures = failures;
  history->waited = anew || history->waited == absl::ZeroDuration()
                        ? kFirstWait
                        : std::min(history->waited * 2, kLongestWait);
  ++history->restarts;
  return history->waited;
}

bool StartsWithMachine(const oci::Restart& policy, std::optional<int> code, bool stopped) {
  switch (policy.policy) {
    case oci::RestartPolicy::kNo:
      return false;
    case oci::RestartPolicy::kAlways:
      return true;
    case oci::RestartPolicy::kUnlessStopped:
      return !stopped;
    case oci::RestartPolicy::kOnFailure:
      return !stopped && code != 0;
  }
  return false;
}

}  // namespace stave::monitor
