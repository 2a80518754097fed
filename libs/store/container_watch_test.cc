// SPDX-License-Identifier: Apache-2.0
#include "libs/store/container_watch.h"

#include <poll.h>

#include "gtest/gtest.h"
#include "libs/store/container.h"
#include "libs/store/containers.h"
#include "libs/store/pending.h"
#include "libs/store/test_store.h"

namespace stave::store {
namespace {

class ContainerWatchTest : public StoreTest {
 protected:
  static bool HasChanged(ContainerWatch* watch) {
    pollfd ready{watch->fd(), POLLIN, 0};
    const bool changed = ::poll(&ready, 1, 0) == 1;
    watch->Clear();
    return changed;
  }
};

TEST_F(ContainerWatchTest, TellsOfEachStepOfALife) {
  auto pending = Pending::Reserve(store(), {.name = "web"});
  ASSERT_TRUE(pending.ok());
  const Container& container = pending->container();
  auto watch = ContainerWatch::Start(store(), pending->id());
  ASSERT_TRUE(watch.ok()) << watch.status();
  EXPECT_FALSE(HasChanged(&*watch));

  ASSERT_TRUE(container.WriteState(State()).ok());
  EXPECT_TRUE(HasChanged(&*watch));
  ASSERT_TRUE(container.WriteExit(Exit()).ok());
  EXPECT_TRUE(HasChanged(&*watch));
  ASSERT_TRUE(container.RemoveState().ok());
  EXPECT_TRUE(HasChanged(&*watch));
  EXPECT_FALSE(HasChanged(&*watch));

  ASSERT_TRUE(pending->Done().ok());
  ASSERT_TRUE(RemoveContainer(store(), container.id()).ok());
  EXPECT_TRUE(HasChanged(&*watch));
}

TEST_F(ContainerWatchTest, OfNoContainerIsQuiet) {
  auto watch = ContainerWatch::Start(store(), std::string(64, 'a'));
  ASSERT_TRUE(watch.ok()) << watch.status();
  EXPECT_FALSE(HasChanged(&*watch));
}

}  // namespace
}  // namespace stave::store
