// SPDX-License-Identifier: Apache-2.0
#include "libs/base/side_by_side.h"

#include <atomic>
#include <vector>

#include "gtest/gtest.h"

namespace stave::base {
namespace {

TEST(SideBySideTest, DoesEachPieceOnce) {
  for (const size_t threads : {1, 2, 7}) {
    std::vector<std::atomic<int>> done(100);

    SideBySide(done.size(), threads, [&](size_t i) { ++done[i]; });

    for (const std::atomic<int>& times : done) EXPECT_EQ(times, 1);
  }
}

TEST(SideBySideTest, OfNothingDoesNothing) {
  SideBySide(0, 4, [](size_t) { FAIL(); });
}

}  // namespace
}  // namespace stave::base
