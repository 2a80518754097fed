// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/human_size.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace stave::cli {
namespace {

TEST(HumanSizeTest, HasDockersUnitsAndDigits) {
  EXPECT_EQ(HumanSize(-1), "0B");
  EXPECT_EQ(HumanSize(0), "0B");
  EXPECT_EQ(HumanSize(999), "999B");
  EXPECT_EQ(HumanSize(1000), "1kB");
  EXPECT_EQ(HumanSize(1024), "1.024kB");
  EXPECT_EQ(HumanSize(7049123), "7.049MB");
  EXPECT_EQ(HumanSize(12300000), "12.3MB");
  EXPECT_EQ(HumanSize(1500000000), "1.5GB");
  EXPECT_EQ(HumanSize(INT64_MAX), "9223PB");
}

}  // namespace
}  // namespace stave::cli
