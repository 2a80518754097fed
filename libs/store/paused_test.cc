// SPDX-License-Identifier: Apache-2.0
#include "libs/store/paused.h"

#include "gtest/gtest.h"
#include "libs/base/posix.h"
#include "libs/store/pending.h"
#include "libs/store/test_store.h"

namespace stave::store {
namespace {

class PausedTest : public StoreTest {
 protected:
  bool Has(const std::string& id) {
    const auto containers = base::OpenDirAt(store().run(), "containers");
    return HasPausedMark(containers->get(), id);
  }
};

TEST_F(PausedTest, IsMadeAndRemoved) {
  auto pending = Pending::Reserve(store(), {.name = "web"});
  ASSERT_TRUE(pending.ok());
  const Container& container = pending->container();
  EXPECT_FALSE(Has(pending->id()));

  ASSERT_TRUE(MarkPaused(container).ok());
  EXPECT_TRUE(MarkPaused(container).ok());
  EXPECT_TRUE(Has(pending->id()));

  ASSERT_TRUE(UnmarkPaused(container).ok());
  EXPECT_TRUE(UnmarkPaused(container).ok());
  EXPECT_FALSE(Has(pending->id()));
}

TEST_F(PausedTest, OfNoContainerIsNone) { EXPECT_FALSE(Has(std::string(64, 'a'))); }

TEST_F(PausedTest, IsNoLinkThatIsFollowed) {
  auto pending = Pending::Reserve(store(), {.name = "web"});
  ASSERT_TRUE(pending.ok());
  ASSERT_EQ(::symlinkat("/nowhere/at/all", pending->container().run(), "paused"), 0);
  EXPECT_FALSE(MarkPaused(pending->container()).ok());
  EXPECT_TRUE(UnmarkPaused(pending->container()).ok());
}

}  // namespace
}  // namespace stave::store
