// SPDX-License-Identifier: Apache-2.0
#include "libs/http/flow.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace stave::http {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1000);

absl::Time At(double seconds) { return kStart + absl::Seconds(seconds); }

TEST(FlowTest, NothingForTooLong) {
  Flow flow(absl::Seconds(30));

  EXPECT_EQ(flow.Check(At(0)), "");
  EXPECT_EQ(flow.Check(At(29)), "");
  EXPECT_EQ(flow.Check(At(30)), "nothing came for 30s");
}

TEST(FlowTest, EachByteStartsTheClockAnew) {
  Flow flow(absl::Seconds(30));

  flow.Check(At(0));
  flow.Took(1 << 20, At(29), At(29));
  EXPECT_EQ(flow.Check(At(58)), "");
  EXPECT_EQ(flow.Check(At(59)), "nothing came for 30s");
}

TEST(FlowTest, ATrickle) {
  Flow flow(absl::Seconds(30));

  flow.Check(At(0));
  flow.Took(1, At(1), At(1));
  for (int second = 2; second < 61; ++second) {
    ASSERT_EQ(flow.Check(At(second)), "") << second;
    flow.Took(1000, At(second), At(second));
  }
  EXPECT_EQ(flow.Check(At(62)), "less than 1024 bytes a second came for 1m");
}

TEST(FlowTest, SlowButEnough) {
  Flow flow(absl::Seconds(30));

  for (int second = 0; second < 1000; ++second) {
    ASSERT_EQ(flow.Check(At(second)), "") << second;
    flow.Took(1100, At(second), At(second));
  }
}

TEST(FlowTest, TheTimeOfTheSinkDoesNotCount) {
  Flow flow(absl::Seconds(30));

  flow.Check(At(0));
  flow.Took(100, At(1), At(1));
  flow.Check(At(1));
  flow.Took(100, At(2), At(500));  // a slow disk
  EXPECT_EQ(flow.Check(At(501)), "");
  EXPECT_EQ(flow.Check(At(529)), "");
}

}  // namespace
}  // namespace stave::http
