// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-why/phrase.h"

#include <signal.h>

#include "gtest/gtest.h"

namespace stave::tools {
namespace {

TEST(PhraseTest, Signals) {
  EXPECT_EQ(SignalText(SIGTERM), "SIGTERM");
  EXPECT_EQ(SignalText(40), "signal 40");
}

TEST(PhraseTest, Sizes) {
  EXPECT_EQ(BytesText(64 << 20), "64MiB");
  EXPECT_EQ(BytesText(int64_t{3} << 30), "3GiB");
  EXPECT_EQ(BytesText(1536), "1536 bytes");
  EXPECT_EQ(BytesText(0), "0 bytes");
}

TEST(PhraseTest, Times) {
  const absl::Time now = absl::FromUnixSeconds(1000);
  EXPECT_EQ(SpanText(absl::Microseconds(12345)), "12ms");
  EXPECT_EQ(SpanText(absl::Milliseconds(10400)), "10s");
  EXPECT_EQ(SpanText(-absl::Seconds(1)), "0s");
  EXPECT_EQ(AgoText(now - absl::Minutes(5), now), ", 5 minutes ago");
  EXPECT_EQ(AgoText(now, now), ", less than a second ago");
  EXPECT_EQ(AgoText(std::nullopt, now), "");
}

TEST(PhraseTest, People) {
  store::SentSignal sent;
  EXPECT_EQ(AskerText(sent), "");
  sent.pid = 77;
  sent.uid = 0;
  EXPECT_EQ(AskerText(sent), "by process 77 of uid 0");
  sent.name = "ps-signal";
  EXPECT_EQ(AskerText(sent), "by ps-signal of uid 0");
  sent.pid = 0;
  EXPECT_EQ(AskerText(sent), "from the terminal");
}

}  // namespace
}  // namespace stave::tools
