// SPDX-License-Identifier: Apache-2.0
#include "libs/store/container.h"

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/store/pending.h"
#include "libs/store/test_store.h"

namespace stave::store {
namespace {

using ContainerTest = StoreTest;

TEST_F(ContainerTest, WritesEachFileWhereItBelongs) {
  const auto pending = Pending::Reserve(store(), {"web", false, true});
  const Container& container = pending->container();
  Record record;
  record.id = pending->id();
  record.created = absl::UnixEpoch();

  ASSERT_TRUE(container.WriteConfig("{}").ok());
  ASSERT_TRUE(container.WriteRecord(record).ok());
  ASSERT_TRUE(container.WriteState(State()).ok());
  ASSERT_TRUE(container.WriteExit(Exit()).ok());

  const std::string home = "state/containers/" + pending->id();
  EXPECT_EQ(Read(home + "/config.json"), "{}");
  EXPECT_TRUE(Exists(home + "/record.json"));
  EXPECT_TRUE(Exists(home + "/exit.json"));
  EXPECT_TRUE(Exists("run/containers/" + pending->id() + "/state.json"));
  ASSERT_TRUE(container.RemoveExit().ok());
  ASSERT_TRUE(container.RemoveExit().ok());
  ASSERT_TRUE(container.RemoveState().ok());
  EXPECT_TRUE(absl::IsNotFound(container.ReadExit().status()));
  EXPECT_TRUE(absl::IsNotFound(container.ReadState().status()));
  EXPECT_EQ(container.ReadConfig().value(), "{}");
}

TEST_F(ContainerTest, IsDurableUnlessItGoesWhenItEnds) {
  EXPECT_EQ(Pending::Reserve(store(), {"", false, true})->container().durability(),
            base::Durability::kDurable);
  EXPECT_EQ(Pending::Reserve(store(), {"", true, true})->container().durability(),
            base::Durability::kVolatile);
  EXPECT_EQ(Pending::Reserve(store(), {"", false, false})->container().durability(),
            base::Durability::kVolatile);
}

TEST_F(ContainerTest, OpensAgainAfterAReboot) {
  const auto pending = Pending::Reserve(store(), {"web", false, true});
  Remove("run/containers/" + pending->id());

  const auto container = Container::Open(store(), pending->id());

  ASSERT_TRUE(container.ok()) << container.status();
  EXPECT_EQ(container->home_path(), folder() + "/state/containers/" + pending->id());
  EXPECT_TRUE(Exists("run/containers/" + pending->id()));
}

TEST_F(ContainerTest, RefusesWhatIsNoWholeId) {
  for (const char* id : {"", "..", "abc", "../../../../etc"}) {
    EXPECT_EQ(Container::Open(store(), id).status().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_TRUE(absl::IsNotFound(Container::Open(store(), std::string(64, 'a')).status()));
}

TEST_F(ContainerTest, ReadsDamageAsDamage) {
  const auto pending = Pending::Reserve(store(), {"web", false, true});
  MakeDir("state/containers/" + pending->id() + "/record.json");

  EXPECT_EQ(base::ErrorWord(pending->container().ReadRecord().status()), "E_CORRUPT");
}

}  // namespace
}  // namespace stave::store
