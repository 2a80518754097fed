// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-monitor/health.h"

#include "gtest/gtest.h"

namespace stave::tools {
namespace {

oci::Health Wish() {
  oci::Health wish;
  wish.test = {"CMD", "true"};
  wish.retries = 2;
  wish.start_period = absl::Seconds(100);
  return wish;
}

store::HealthCheck Check(int exit_code) {
  store::HealthCheck check;
  check.exit_code = exit_code;
  return check;
}

TEST(HealthTest, FailuresInARowMakeUnhealthy) {
  store::Health health;
  for (const int code : {0, 1, 0, 1}) NoteCheck(Wish(), absl::Hours(1), Check(code), &health);
  EXPECT_EQ(health.status, store::Wellness::kHealthy);
  EXPECT_EQ(health.failing_streak, 1);
  NoteCheck(Wish(), absl::Hours(1), Check(-1), &health);
  EXPECT_EQ(health.status, store::Wellness::kUnhealthy);
  NoteCheck(Wish(), absl::Hours(1), Check(0), &health);
  EXPECT_EQ(health.status, store::Wellness::kHealthy);
  EXPECT_EQ(health.log.size(), store::kHealthLog);
}

TEST(HealthTest, InTheStartPeriodFailuresDoNotCountUntilItWasWell) {
  store::Health health;
  for (int i = 0; i < 5; ++i) NoteCheck(Wish(), absl::Seconds(10), Check(1), &health);
  EXPECT_EQ(health.status, store::Wellness::kStarting);
  EXPECT_EQ(health.failing_streak, 0);
  EXPECT_EQ(NextCheck(Wish(), absl::Seconds(10), health), absl::Seconds(5));
  NoteCheck(Wish(), absl::Seconds(11), Check(0), &health);
  EXPECT_EQ(NextCheck(Wish(), absl::Seconds(12), health), absl::Seconds(30));
  for (int i = 0; i < 2; ++i) NoteCheck(Wish(), absl::Seconds(12), Check(1), &health);
  EXPECT_EQ(health.status, store::Wellness::kUnhealthy);
}

TEST(HealthTest, AfterTheStartPeriodTheyCount) {
  store::Health health;
  EXPECT_EQ(NextCheck(Wish(), absl::Seconds(101), health), absl::Seconds(30));
  for (int i = 0; i < 2; ++i) NoteCheck(Wish(), absl::Seconds(101), Check(1), &health);
  EXPECT_EQ(health.status, store::Wellness::kUnhealthy);
}

}  // namespace
}  // namespace stave::tools
