// SPDX-License-Identifier: Apache-2.0
#include "libs/base/mountinfo.h"

#include "gtest/gtest.h"

namespace stave::base {
namespace {

TEST(UnescapeMountinfo, TakesTheKernelsEscapesOnly) {
  EXPECT_EQ(UnescapeMountinfo("/a\\040b\\011\\134"), "/a b\t\\");
  for (const char* plain : {"", "/a", "\\", "\\04", "\\048", "\\777", "\\abc"}) {
    EXPECT_EQ(UnescapeMountinfo(plain), plain);
  }
}

}  // namespace
}  // namespace stave::base
