// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-monitor/health.h"

#include <fcntl.h>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/unique_fd.h"
#include "libs/testutil/temp_dir.h"

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

// There is no ns-exec beside a test.
TEST(HealthTest, OneThatCannotBeStartedIsAFailureAndTheNextIsDue) {
  const testutil::TempDir run;
  oci::Health wish = Wish();
  wish.start_period = wish.start_interval = wish.interval = absl::ZeroDuration();
  const base::UniqueFd folder(::open(run.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  HealthPlace place;
  place.run_fd = folder.get();
  HealthWatch watch(wish, place, absl::Now());
  EXPECT_EQ(watch.Serve(false), std::nullopt);
  EXPECT_EQ(watch.Serve(false), store::Wellness::kUnhealthy);
  EXPECT_EQ(watch.deadline().Passed(), true);
  const std::optional<store::Health> health = store::ReadHealth(folder.get());
  ASSERT_TRUE(health.has_value());
  ASSERT_EQ(health->log.size(), 2u);
  EXPECT_THAT(health->log[0].output, testing::HasSubstr("ns-exec: execute: No such file"));
}

}  // namespace
}  // namespace stave::tools
