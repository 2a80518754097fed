// SPDX-License-Identifier: Apache-2.0
#include "libs/base/deadline.h"

#include "gtest/gtest.h"

namespace stave::base {
namespace {

TEST(DeadlineTest, NeverPasses) {
  for (const Deadline& never : {Deadline::Never(), Deadline::After(absl::InfiniteDuration()),
                                Deadline::After(absl::Hours(24 * 365 * 1000))}) {
    EXPECT_FALSE(never.Passed());
    EXPECT_EQ(never.PollTimeout(), -1);
    EXPECT_EQ(never.Left(), absl::InfiniteDuration());
  }
}

TEST(DeadlineTest, HasPassedAtOnce) {
  for (const absl::Duration duration : {absl::ZeroDuration(), absl::Seconds(-1)}) {
    const Deadline now = Deadline::After(duration);
    EXPECT_TRUE(now.Passed());
    EXPECT_EQ(now.PollTimeout(), 0);
    EXPECT_EQ(now.Left(), absl::ZeroDuration());
  }
}

TEST(DeadlineTest, IsPolledForInPieces) {
  const Deadline later = Deadline::After(absl::Hours(24 * 60));
  EXPECT_FALSE(later.Passed());
  EXPECT_EQ(later.PollTimeout(), 3600 * 1000);
  EXPECT_GT(later.Left(), absl::Hours(24 * 59));
}

TEST(DeadlineTest, LessThanAMillisecondIsOne) {
  const Deadline soon = Deadline::After(absl::Seconds(100) + absl::Microseconds(1));
  EXPECT_LE(soon.PollTimeout(), 100001);
}

}  // namespace
}  // namespace stave::base
