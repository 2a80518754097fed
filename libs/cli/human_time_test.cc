// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/human_time.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace stave::cli {
namespace {

TEST(HumanDurationTest, TellsSecondsAndMinutesAsDockerDoes) {
  EXPECT_EQ(HumanDuration(absl::Milliseconds(999)), "Less than a second");
  EXPECT_EQ(HumanDuration(absl::Milliseconds(1999)), "1 second");
  EXPECT_EQ(HumanDuration(absl::Seconds(59)), "59 seconds");
  EXPECT_EQ(HumanDuration(absl::Seconds(60)), "About a minute");
  EXPECT_EQ(HumanDuration(absl::Seconds(119)), "About a minute");
  EXPECT_EQ(HumanDuration(absl::Seconds(120)), "2 minutes");
  EXPECT_EQ(HumanDuration(absl::Minutes(59) + absl::Seconds(59)), "59 minutes");
}

TEST(HumanDurationTest, RoundsHours) {
  EXPECT_EQ(HumanDuration(absl::Hours(1)), "About an hour");
  EXPECT_EQ(HumanDuration(absl::Minutes(89)), "About an hour");
  EXPECT_EQ(HumanDuration(absl::Minutes(90)), "2 hours");
  EXPECT_EQ(HumanDuration(absl::Hours(47)), "47 hours");
}

TEST(HumanDurationTest, GoesOnToDaysWeeksMonthsYears) {
  EXPECT_EQ(HumanDuration(absl::Hours(48)), "2 days");
  EXPECT_EQ(HumanDuration(absl::Hours(24 * 13)), "13 days");
  EXPECT_EQ(HumanDuration(absl::Hours(24 * 14)), "2 weeks");
  EXPECT_EQ(HumanDuration(absl::Hours(24 * 59)), "8 weeks");
  EXPECT_EQ(HumanDuration(absl::Hours(24 * 60)), "2 months");
  EXPECT_EQ(HumanDuration(absl::Hours(24 * 729)), "24 months");
  EXPECT_EQ(HumanDuration(absl::Hours(24 * 730)), "2 years");
}

TEST(HumanDurationTest, SurvivesClocksThatWereSetBackAndInfinity) {
  EXPECT_EQ(HumanDuration(absl::Hours(-5)), "Less than a second");
  EXPECT_EQ(HumanDuration(-absl::InfiniteDuration()), "Less than a second");
  EXPECT_FALSE(HumanDuration(absl::InfiniteDuration()).empty());
}

}  // namespace
}  // namespace stave::cli
