// SPDX-License-Identifier: Apache-2.0
#include "libs/store/foreign.h"

#include <unistd.h>

#include "gtest/gtest.h"
#include "libs/store/test_store.h"

namespace stave::store {
namespace {

using ForeignTest = StoreTest;

TEST_F(ForeignTest, NothingIsLost) {
  Write("state/layers/x", "one");
  EXPECT_TRUE(MoveToLostFound(store(), "layers/x").ok());
  Write("state/layers/x", "two");
  EXPECT_TRUE(MoveToLostFound(store(), "layers/x").ok());

  EXPECT_FALSE(Exists("state/layers/x"));
  EXPECT_EQ(Read("state/lost+found/x"), "one");
  EXPECT_EQ(Read("state/lost+found/x-2"), "two");
}

TEST_F(ForeignTest, ALinkIsMovedItselfAndNeverFollowed) {
  MakeDir("elsewhere");
  Write("elsewhere/precious", "text");
  ASSERT_EQ(::symlink("../../elsewhere", (folder() + "/state/refs/x").c_str()), 0);

  EXPECT_FALSE(MoveToLostFound(store(), "refs/x/precious").ok());
  EXPECT_TRUE(MoveToLostFound(store(), "refs/x").ok());

  EXPECT_EQ(Read("elsewhere/precious"), "text");
  EXPECT_TRUE(Exists("state/lost+found/x"));
}

}  // namespace
}  // namespace stave::store
