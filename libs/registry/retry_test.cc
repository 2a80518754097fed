// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/retry.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/http/transfer.h"

namespace stave::registry {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(784887151);

absl::StatusOr<http::Response> Answer(int status, const std::string& retry_after = "") {
  http::Response response;
  response.status = status;
  if (!retry_after.empty()) response.headers.emplace_back("retry-after", retry_after);
  return response;
}

absl::Status Broken() { return base::Error(absl::StatusCode::kUnavailable, "E_REMOTE", "x"); }
absl::Status Slow() { return base::Error(absl::StatusCode::kDeadlineExceeded, "E_TIMEOUT", "x"); }
absl::Status Nobody() { return base::Error(absl::StatusCode::kUnavailable, "E_CONNECT", "x"); }

// After a first try with this outcome.
std::optional<absl::Duration> First(const absl::StatusOr<http::Response>& outcome) {
  return Tries(RetryLimits{}, kStart, 1).Next(outcome, kStart);
}

TEST(TriesTest, AnswersThatStay) {
  for (const int status : {200, 206, 304, 400, 401, 403, 404, 416, 501}) {
    EXPECT_EQ(First(Answer(status)), std::nullopt) << status;
  }
}

TEST(TriesTest, WaitsLongerEachTimeGiveOrTakeAHalfThenGivesUp) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Tries tries(RetryLimits{}, kStart, seed);
    for (const double expected : {0.5, 1.0, 2.0, 4.0}) {
      const auto wait = tries.Next(Answer(503), kStart);
      ASSERT_TRUE(wait.has_value());
      EXPECT_GE(*wait, absl::Seconds(expected / 2));
      EXPECT_LT(*wait, absl::Seconds(expected * 3 / 2));
    }
    EXPECT_EQ(tries.Next(Answer(502), kStart), std::nullopt);
  }
}

TEST(TriesTest, TheJitterFollowsTheSeed) {
  EXPECT_NE(Tries(RetryLimits{}, kStart, 1).Next(Answer(500), kStart),
            Tries(RetryLimits{}, kStart, 2).Next(Answer(500), kStart));
  EXPECT_NE(RandomSeed(), RandomSeed());
}

TEST(TriesTest, RetryAfterInSecondsOrAsADate) {
  EXPECT_EQ(First(Answer(429, "7")), absl::Seconds(7));
  EXPECT_EQ(First(Answer(429, "60")), absl::Seconds(60));
  EXPECT_EQ(First(Answer(429, "0")), absl::Milliseconds(100));
  EXPECT_EQ(First(Answer(429, "Tue, 15 Nov 1994 08:12:41 GMT")), absl::Seconds(10));
  EXPECT_EQ(First(Answer(429, "Tue, 15 Nov 1994 08:00:00 GMT")), absl::Milliseconds(100));
  for (const char* rubbish : {"soon", "-1", "1e3", "1994"}) {
    const auto wait = First(Answer(429, rubbish));
    EXPECT_EQ(wait.has_value(), std::string(rubbish) != "1994") << rubbish;
    if (wait.has_value()) {
      EXPECT_LT(*wait, absl::Seconds(1)) << rubbish;
    }
  }
}

TEST(TriesTest, ALongRetryAfterIsNotWaitedFor) {
  EXPECT_EQ(First(Answer(429, "61")), std::nullopt);
  EXPECT_EQ(First(Answer(503, "1000000000")), std::nullopt);
  EXPECT_EQ(First(Answer(503, "99999999999999999999")), std::nullopt);
}

TEST(TriesTest, NoTryBeginsAfterTheTotal) {
  Tries tries(RetryLimits{}, kStart, 1);

  EXPECT_EQ(tries.Next(Answer(429, "50"), kStart), absl::Seconds(50));
  EXPECT_EQ(tries.Next(Answer(429, "41"), kStart + absl::Seconds(50)), std::nullopt);
}

TEST(TriesTest, TimeoutsOnce) {
  Tries tries(RetryLimits{}, kStart, 1);

  EXPECT_TRUE(tries.Next(Slow(), kStart).has_value());
  EXPECT_EQ(tries.Next(Slow(), kStart), std::nullopt);
}

TEST(TriesTest, ABrokenProtocolAndOurOwnErrorsNever) {
  EXPECT_TRUE(First(Broken()).has_value());
  EXPECT_EQ(First(base::Error(absl::StatusCode::kFailedPrecondition, "E_REMOTE", "x")),
            std::nullopt);
  EXPECT_EQ(First(base::Error(absl::StatusCode::kDataLoss, "E_SIZE", "x")), std::nullopt);
}

TEST(TriesTest, ProgressStartsAnew) {
  Tries tries(RetryLimits{}, kStart, 1);
  EXPECT_EQ(First(Nobody()), std::nullopt);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(tries.Next(Broken(), kStart).has_value());

  const absl::Time later = kStart + absl::Hours(1);
  tries.StartAnew(later);
  EXPECT_LT(*tries.Next(Broken(), later), absl::Seconds(1));
  EXPECT_TRUE(tries.Next(Nobody(), later).has_value());
}

}  // namespace
}  // namespace stave::registry
