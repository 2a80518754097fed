// SPDX-License-Identifier: Apache-2.0
//
// How a container with a health check is, written by its monitor: RUN/containers/ID/health.json,
// replaced whole, never durable.
//
//   {"version":1,"status":"healthy","failingStreak":0,
//    "log":[{"start":"2026-..Z","end":"2026-..Z","exitCode":0,"output":"ok\n"}]}
//
// The log has the last kHealthLog checks, the newest last; of an output the first kHealthOutput
// bytes.

#ifndef STAVE_LIBS_STORE_HEALTH_H_
#define STAVE_LIBS_STORE_HEALTH_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace stave::store {

inline constexpr char kHealthFile[] = "health.json";
inline constexpr size_t kHealthLog = 5;
inline constexpr size_t kHealthOutput = 4096;

enum class Wellness { kStarting, kHealthy, kUnhealthy };

struct HealthCheck {
  absl::Time start, end;
  int exit_code = 0;  // -1: it took too long, or could not be made
  std::string output;
};

struct Health {
  Wellness status = Wellness::kStarting;
  int64_t failing_streak = 0;
  std::vector<HealthCheck> log;
};

// "starting", "healthy", "unhealthy".
const char* WellnessName(Wellness status);

std::string FormatHealth(const Health& health);
// Errors: DataLoss [E_CORRUPT].
absl::StatusOr<Health> ParseHealth(absl::string_view text);

// In the run folder `run` of a container. Reading gives nullopt where there is no check, or the
// file is damaged: nothing depends on it.
absl::Status WriteHealth(int run, const Health& health);
std::optional<Health> ReadHealth(int run);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_HEALTH_H_
