// SPDX-License-Identifier: Apache-2.0
#include "libs/monitor/restart_policy.h"

#include "gtest/gtest.h"

namespace stave::monitor {
namespace {

using oci::Restart;
using oci::RestartPolicy;

const RunThatEnded kFailed{1, absl::Seconds(1), false};
const RunThatEnded kWell{0, absl::Seconds(1), false};
const RunThatEnded kStopped{137, absl::Seconds(1), true};

bool Again(RestartPolicy policy, const RunThatEnded& run) {
  RestartHistory history;
  return NextStart({policy, 0}, run, &history).has_value();
}

TEST(RestartPolicyTest, WhoIsStartedAgain) {
  EXPECT_FALSE(Again(RestartPolicy::kNo, kFailed));
  EXPECT_TRUE(Again(RestartPolicy::kOnFailure, kFailed));
  EXPECT_FALSE(Again(RestartPolicy::kOnFailure, kWell));
  for (const auto policy : {RestartPolicy::kAlways, RestartPolicy::kUnlessStopped}) {
    EXPECT_TRUE(Again(policy, kFailed));
    EXPECT_TRUE(Again(policy, kWell));
    EXPECT_FALSE(Again(policy, kStopped));
  }
}

TEST(RestartPolicyTest, FailuresAreCounted) {
  RestartHistory history;
  const Restart policy{RestartPolicy::kOnFailure, 2};
  EXPECT_TRUE(NextStart(policy, kFailed, &history).has_value());
  EXPECT_TRUE(NextStart(policy, kFailed, &history).has_value());
  EXPECT_FALSE(NextStart(policy, kFailed, &history).has_value());
  EXPECT_EQ(history.restarts, 2);
}

TEST(RestartPolicyTest, TheWaitGrowsToAMinute) {
  RestartHistory history;
  const Restart policy{RestartPolicy::kAlways, 0};
  EXPECT_EQ(NextStart(policy, kFailed, &history), absl::Milliseconds(100));
  EXPECT_EQ(NextStart(policy, kFailed, &history), absl::Milliseconds(200));
  for (int i = 0; i < 20; ++i) (void)NextStart(policy, kWell, &history);
  EXPECT_EQ(NextStart(policy, kFailed, &history), absl::Minutes(1));
  EXPECT_EQ(NextStart(policy, {1, absl::Seconds(10), false}, &history), absl::Milliseconds(100));
}

TEST(RestartPolicyTest, WhoIsStartedWithTheMachine) {
  EXPECT_FALSE(StartsWithMachine({RestartPolicy::kNo, 0}, 1, false));
  EXPECT_TRUE(StartsWithMachine({RestartPolicy::kAlways, 0}, 0, true));
  EXPECT_TRUE(StartsWithMachine({RestartPolicy::kUnlessStopped, 0}, std::nullopt, false));
  EXPECT_FALSE(StartsWithMachine({RestartPolicy::kUnlessStopped, 0}, 0, true));
  EXPECT_TRUE(StartsWithMachine({RestartPolicy::kOnFailure, 0}, std::nullopt, false));
  EXPECT_FALSE(StartsWithMachine({RestartPolicy::kOnFailure, 0}, 0, false));
}

}  // namespace
}  // namespace stave::monitor
