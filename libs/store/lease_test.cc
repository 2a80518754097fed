// SPDX-License-Identifier: Apache-2.0
#include "libs/store/lease.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/store/folder.h"
#include "libs/store/ingest.h"
#include "libs/store/test_store.h"

namespace stave::store {
namespace {

const oci::Digest kOne = oci::DigestOf("one");
const oci::Digest kTwo = oci::DigestOf("two");

using LeaseTest = StoreTest;

TEST_F(LeaseTest, NamesCountWhileItLives) {
  {
    auto lease = PullLease::Begin(store());
    ASSERT_TRUE(lease.ok()) << lease.status();
    EXPECT_TRUE(LeasedNames(store())->empty());
    ASSERT_TRUE(lease->Add({kOne}).ok());
    ASSERT_TRUE(lease->Add({kTwo, kOne}).ok());
    const PullLease moved = *std::move(lease);

    EXPECT_EQ(*LeasedNames(store()), (std::vector<oci::Digest>{kOne, kTwo, kOne}));
  }
  EXPECT_TRUE(LeasedNames(store())->empty());
  EXPECT_TRUE(ListFolder(store().state(), "ingest")->empty());
}

TEST_F(LeaseTest, ADeadOneNamesNothingAndIsSwept) {
  Write("state/ingest/pull-0123456789abcdef", kOne.ToString() + "\n");

  EXPECT_TRUE(LeasedNames(store())->empty());
  ASSERT_TRUE(SweepIngest(store()).ok());
  EXPECT_TRUE(ListFolder(store().state(), "ingest")->empty());
}

TEST_F(LeaseTest, ALivingOneIsNotSwept) {
  const auto lease = PullLease::Begin(store());
  ASSERT_TRUE(lease.ok());

  ASSERT_TRUE(SweepIngest(store()).ok());

  EXPECT_EQ(ListFolder(store().state(), "ingest")->size(), 1u);
}

TEST_F(LeaseTest, WhatALivingOneSaysMustBeNames) {
  Write("state/ingest/pull-0123456789abcdef", "no digest\n");
  const base::UniqueFd held(
      ::openat(store().state(), "ingest/pull-0123456789abcdef", O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::flock(held.get(), LOCK_EX), 0);

  EXPECT_EQ(base::ErrorWord(LeasedNames(store()).status()), "E_CORRUPT");
}

TEST_F(LeaseTest, WhatIsHalfWrittenDoesNotCount) {
  Write("state/ingest/pull-0123456789abcdef",
        kOne.ToString() + "\n" + kTwo.ToString().substr(0, 20));
  const base::UniqueFd held(
      ::openat(store().state(), "ingest/pull-0123456789abcdef", O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::flock(held.get(), LOCK_EX), 0);

  const auto names = LeasedNames(store());

  ASSERT_TRUE(names.ok()) << names.status();
  EXPECT_EQ(*names, (std::vector<oci::Digest>{kOne}));
}

TEST_F(LeaseTest, WhatIsNoFileNamesNothing) {
  MakeDir("state/ingest/pull-a");
  ASSERT_EQ(::symlink("nowhere", (folder() + "/state/ingest/pull-b").c_str()), 0);

  const auto names = LeasedNames(store());

  ASSERT_TRUE(names.ok()) << names.status();
  EXPECT_TRUE(names->empty());
}

TEST_F(LeaseTest, PublishersDoNotWaitForEachOtherButForTheCollector) {
  auto one = LockToPublish(store());
  auto other = LockToPublish(store());
  ASSERT_TRUE(one.ok() && other.ok());
  const base::UniqueFd probe(::openat(store().state(), "collect.lock", O_RDWR | O_CLOEXEC));
  EXPECT_NE(::flock(probe.get(), LOCK_EX | LOCK_NB), 0);

  one->Reset();
  other->Reset();
  auto collector = LockToCollect(store());

  ASSERT_TRUE(collector.ok());
  EXPECT_NE(::flock(probe.get(), LOCK_SH | LOCK_NB), 0);
}

}  // namespace
}  // namespace stave::store
