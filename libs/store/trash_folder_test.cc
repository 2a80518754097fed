// SPDX-License-Identifier: Apache-2.0
#include "libs/store/trash_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/unique_fd.h"
#include "libs/store/folder.h"
#include "libs/store/test_store.h"
#include "libs/store/trash.h"

namespace stave::store {
namespace {

class TrashFolderTest : public StoreTest {
 protected:
  std::vector<std::string> InTrash() const { return *ListFolder(store().state(), "trash"); }

  void Take(TrashFolder* trash, const std::string& name) {
    MakeDir("state/layers/" + name);
    MakeDir("state/layers/" + name + "/fs");
    Write("state/layers/" + name + "/fs/file", "x");
    bool moved = false;
    ASSERT_TRUE(trash->Take(store().state(), "layers/" + name, name, &moved).ok());
    EXPECT_TRUE(moved);
  }
};

TEST_F(TrashFolderTest, WhatItHasTakenIsRemovedByAnotherProcess) {
  auto trash = TrashFolder::Make(store());
  ASSERT_TRUE(trash.ok()) << trash.status();
  Take(&*trash, "one");
  Take(&*trash, "two");
  EXPECT_FALSE(Exists("state/layers/one"));
  ASSERT_TRUE(trash->Sync().ok());
  ASSERT_EQ(InTrash().size(), 1u);
  const base::UniqueFd folder(::openat(store().state(), ("trash/" + InTrash()[0]).c_str(),
                                       O_RDONLY | O_DIRECTORY | O_CLOEXEC));

  std::move(*trash).RemoveDetached(store());

  // Its lock is free when it has ended, which it does last.
  ASSERT_EQ(::flock(folder.get(), LOCK_EX), 0);
  EXPECT_TRUE(InTrash().empty());
}

TEST_F(TrashFolderTest, WhatIsNotThereIsNotTaken) {
  auto trash = TrashFolder::Make(store());
  bool moved = true;

  EXPECT_TRUE(trash->Take(store().state(), "layers/none", "none", &moved).ok());
  EXPECT_FALSE(moved);
}

TEST_F(TrashFolderTest, ASweepLeavesItToItsOwner) {
  {
    auto trash = TrashFolder::Make(store());
    Take(&*trash, "one");
    SweepTrash(store());
    EXPECT_EQ(InTrash().size(), 1u);
  }
  // Its owner has died.
  SweepTrash(store());
  EXPECT_TRUE(InTrash().empty());
}

// A start has no time for what may be thousands of files.
TEST_F(TrashFolderTest, WhatADeadOneLeftIsRemovedByAnotherProcess) {
  {
    auto left = TrashFolder::Make(store());
    Take(&*left, "one");
  }
  const base::UniqueFd events(::inotify_init1(IN_CLOEXEC));
  ASSERT_GE(::inotify_add_watch(events.get(), (folder() + "/state/trash").c_str(), IN_DELETE), 0);

  EXPECT_TRUE(SweepContainers(store()));
  EXPECT_EQ(InTrash().size(), 1u);
  RemoveLeftTrash(store());

  char buffer[4096];
  while (!InTrash().empty()) ASSERT_GT(::read(events.get(), buffer, sizeof buffer), 0);
  EXPECT_FALSE(SweepContainers(store()));
}

TEST_F(TrashFolderTest, AnEmptyOneLeavesNothing) {
  { const auto trash = TrashFolder::Make(store()); }
  EXPECT_TRUE(InTrash().empty());
}

}  // namespace
}  // namespace stave::store
