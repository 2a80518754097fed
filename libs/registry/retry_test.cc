// SPDX-License-Identifier: Apache-2.0
#include "libs/image/retry.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/http/transfer.h"

namespace stave::image {
namespace {

constexpr absl::Duration kBackOff = absl::Milliseconds(500);

absl::StatusOr<http::Response> Answer(int status, const std::string& retry_after = "") {
  http::Response response;
  response.status = status;
  if (!retry_after.empty()) response.headers.emplace_back("retry-after", retry_after);
  return response;
}

std::optional<absl::Duration> Next(int tries, const absl::StatusOr<http::Response>& outcome) {
  return NextTry(tries, kBackOff, outcome, absl::FromUnixSeconds(784887151));
}

TEST(NextTryTest, AnswersThatStay) {
  for (const int status : {200, 206, 304, 400, 401, 403, 404, 416, 501}) {
    EXPECT_EQ(Next(1, Answer(status)), std::nullopt) << status;
  }
}

TEST(NextTryTest, WaitsLongerEachTimeThenGivesUp) {
  EXPECT_EQ(Next(1, Answer(503)), absl::Milliseconds(500));
  EXPECT_EQ(Next(2, Answer(503)), absl::Seconds(1));
  EXPECT_EQ(Next(4, Answer(500)), absl::Seconds(4));
  EXPECT_EQ(Next(5, Answer(502)), std::nullopt);
}

TEST(NextTryTest, RetryAfterInSecondsOrAsADate) {
  EXPECT_EQ(Next(1, Answer(429, "7")), absl::Seconds(7));
  EXPECT_EQ(Next(1, Answer(429, "Tue, 15 Nov 1994 08:12:41 GMT")), absl::Seconds(10));
  EXPECT_EQ(Next(1, Answer(429, "Tue, 15 Nov 1994 08:00:00 GMT")), absl::Milliseconds(100));
  EXPECT_EQ(Next(1, Answer(429, "soon")), kBackOff);
  EXPECT_EQ(Next(1, Answer(429, "-1")), kBackOff);
}

TEST(NextTryTest, ALongRetryAfterIsNotWaitedFor) {
  EXPECT_EQ(Next(1, Answer(429, "61")), std::nullopt);
  EXPECT_EQ(Next(1, Answer(503, "99999999999999999999")), kBackOff);
}

TEST(NextTryTest, BrokenConnectionsOftenTimeoutsOnce) {
  const absl::Status broken = base::Error(absl::StatusCode::kUnavailable, "E_REMOTE", "x");
  const absl::Status slow = base::Error(absl::StatusCode::kDeadlineExceeded, "E_TIMEOUT", "x");
  const absl::Status nobody = base::Error(absl::StatusCode::kUnavailable, "E_CONNECT", "x");
  const absl::Status ours = base::Error(absl::StatusCode::kDataLoss, "E_SIZE", "x");

  EXPECT_EQ(Next(4, broken), absl::Seconds(4));
  EXPECT_EQ(Next(1, slow), kBackOff);
  EXPECT_EQ(Next(2, slow), std::nullopt);
  EXPECT_EQ(Next(1, nobody), std::nullopt);
  EXPECT_EQ(Next(1, ours), std::nullopt);
}

}  // namespace
}  // namespace stave::image
