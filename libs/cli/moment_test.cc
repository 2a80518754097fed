// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/moment.h"

#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace stave::cli {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1795165200);  // 2026-11-20T09:00:00Z

// RFC 3339 in UTC of what `text` means two hours east of there.
std::string Moment(absl::string_view text) {
  const auto time = ParseMoment(text, kNow, absl::FixedTimeZone(2 * 3600));
  if (!time.ok()) return std::string(time.status().message());
  return absl::FormatTime(absl::RFC3339_full, *time, absl::UTCTimeZone());
}

TEST(ParseMomentTest, SecondsSince1970) {
  EXPECT_EQ(Moment("0"), "1970-01-01T00:00:00+00:00");
  EXPECT_EQ(Moment("1795165200"), "2026-11-20T09:00:00+00:00");
  EXPECT_EQ(Moment("1795165200.5"), "2026-11-20T09:00:00.5+00:00");
  EXPECT_EQ(Moment("1795165200.0000000019"), "2026-11-20T09:00:00.000000001+00:00");
}

TEST(ParseMomentTest, SoLongAgo) {
  EXPECT_EQ(Moment("10m"), "2026-11-20T08:50:00+00:00");
  EXPECT_EQ(Moment("1h30m0.5s"), "2026-11-20T07:29:59.5+00:00");
  EXPECT_EQ(Moment("0s"), "2026-11-20T09:00:00+00:00");
  EXPECT_EQ(Moment("-10s"), "2026-11-20T09:00:10+00:00");
}

TEST(ParseMomentTest, DatesAreOfTheZoneUnlessTheySayOne) {
  EXPECT_EQ(Moment("2026-11-20"), "2026-11-19T22:00:00+00:00");
  EXPECT_EQ(Moment("2026-11-20T09"), "2026-11-20T07:00:00+00:00");
  EXPECT_EQ(Moment("2026-11-20T09:30"), "2026-11-20T07:30:00+00:00");
  EXPECT_EQ(Moment("2026-11-20T09:30:15"), "2026-11-20T07:30:15+00:00");
  EXPECT_EQ(Moment("2026-11-20T09:30:15.123456789"), "2026-11-20T07:30:15.123456789+00:00");
  EXPECT_EQ(Moment("2026-11-20Z"), "2026-11-20T00:00:00+00:00");
  EXPECT_EQ(Moment("2026-11-20T09Z"), "2026-11-20T09:00:00+00:00");
  EXPECT_EQ(Moment("2026-11-20T09:30:15.5-05:00"), "2026-11-20T14:30:15.5+00:00");
  EXPECT_EQ(Moment("2026-11-20T09:30+09:00"), "2026-11-20T00:30:00+00:00");
}

TEST(ParseMomentTest, RefusesTheRest) {
  for (const char* text : {"",
                           "x",
                           " 10m",
                           "10 m",
                           "1795165200.",
                           ".5",
                           "-5",
                           "+5m",
                           "1e3",
                           "inf",
                           "2026-11-31",
                           "2026-11-20T25",
                           "2026-11-20T",
                           "2026-1-2",
                           "2026-11-20 09:00",
                           "2026-11-20T09:30:15.",
                           "2026-11-20T09:30:15z",
                           "2026-11-20T09:30Zx",
                           "infinite-past",
                           "99999999999999",
                           "--5m",
                           "-"}) {
    EXPECT_EQ(Moment(text),
              "failed to parse value as time or duration: \"" + std::string(text) + "\"");
  }
}

}  // namespace
}  // namespace stave::cli
