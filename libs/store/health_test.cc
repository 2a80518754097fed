// SPDX-License-Identifier: Apache-2.0
#include "libs/store/health.h"

#include <fcntl.h>

#include <string>

#include "gtest/gtest.h"
#include "libs/store/test_store.h"

namespace stave::store {
namespace {

Health Sample() {
  Health health;
  health.status = Wellness::kUnhealthy;
  health.failing_streak = 3;
  health.log = {{absl::FromUnixSeconds(10), absl::FromUnixSeconds(11), -1, "too \"late\"\n"}};
  return health;
}

TEST(HealthTest, WhatIsWrittenIsRead) {
  const auto health = ParseHealth(FormatHealth(Sample()));
  ASSERT_TRUE(health.ok()) << health.status();
  EXPECT_EQ(health->status, Wellness::kUnhealthy);
  EXPECT_EQ(health->failing_streak, 3);
  ASSERT_EQ(health->log.size(), 1u);
  EXPECT_EQ(health->log[0].exit_code, -1);
  EXPECT_EQ(health->log[0].output, "too \"late\"\n");
  EXPECT_EQ(health->log[0].end, absl::FromUnixSeconds(11));
}

TEST(HealthTest, WhatIsCutShortIsDamaged) {
  const std::string whole = FormatHealth(Sample());
  for (size_t size = 0; size + 1 < whole.size(); ++size) {
    EXPECT_FALSE(ParseHealth(whole.substr(0, size)).ok()) << size;
  }
}

class HealthFileTest : public StoreTest {};

TEST_F(HealthFileTest, AFolderWithoutItHasNone) {
  EXPECT_FALSE(ReadHealth(store().run()).has_value());
  ASSERT_TRUE(WriteHealth(store().run(), Sample()).ok());
  EXPECT_EQ(ReadHealth(store().run())->failing_streak, 3);
  Write("run/health.json", "{");
  EXPECT_FALSE(ReadHealth(store().run()).has_value());
}

}  // namespace
}  // namespace stave::store
