// SPDX-License-Identifier: Apache-2.0
#include "libs/base/lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "libs/base/posix.h"

namespace stave::base {
namespace {

class LockTest : public ::testing::Test {
 protected:
  LockTest() : dir_(::open(::testing::TempDir().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    ::unlinkat(dir_.get(), "lock", 0);
  }
  absl::StatusOr<UniqueFd> Lock(const LockNotice& notice = nullptr) {
    return LockFileAt(dir_.get(), "lock", LockMode::kExclusive, notice);
  }

  UniqueFd dir_;
};

TEST_F(LockTest, OneHasIt) {
  auto mine = Lock();
  ASSERT_TRUE(mine.ok()) << mine.status();
  EXPECT_EQ(LockHolder(mine->get()), ::getpid());
  auto other = TryLockFileAt(dir_.get(), "lock", LockMode::kShared);
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_FALSE(other->has_value());
  const int fd = mine->get();
  ASSERT_EQ(::fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  mine->Reset();
  other = TryLockFileAt(dir_.get(), "lock", LockMode::kExclusive);
  ASSERT_TRUE(other.ok() && other->has_value());
}

TEST_F(LockTest, NobodyHasIt) { EXPECT_EQ(LockHolder(dir_.get()), 0); }

TEST_F(LockTest, AFileThatWasRemovedIsLookedForAgain) {
  auto mine = Lock();
  ASSERT_TRUE(mine.ok());
  std::thread other([this] {
    auto theirs = Lock();
    EXPECT_TRUE(theirs.ok() && ::faccessat(dir_.get(), "lock", F_OK, 0) == 0);
  });
  ::unlinkat(dir_.get(), "lock", 0);
  mine->Reset();
  other.join();
}

TEST_F(LockTest, WhoWaitsLongHearsForWhom) {
  auto mine = Lock();
  ASSERT_TRUE(mine.ok());
  pid_t holder = -1;
  const auto theirs = Lock([&](pid_t pid) {
    holder = pid;
    mine->Reset();
  });
  EXPECT_TRUE(theirs.ok());
  EXPECT_EQ(holder, ::getpid());
}

TEST_F(LockTest, WhoMayGiveUpDoes) {
  auto mine = Lock();
  ASSERT_TRUE(mine.ok());
  int asked = 0;
  const auto cancelled = [&] { return ++asked == 3; };
  const auto theirs = LockFileAt(dir_.get(), "lock", LockMode::kExclusive, nullptr, cancelled);
  EXPECT_TRUE(absl::IsCancelled(theirs.status())) << theirs.status();
  EXPECT_EQ(asked, 3);
}

TEST_F(LockTest, WhoMayGiveUpGetsItToo) {
  auto mine = Lock();
  ASSERT_TRUE(mine.ok());
  const auto release = [&] {
    mine->Reset();
    return false;
  };
  EXPECT_TRUE(LockFileAt(dir_.get(), "lock", LockMode::kShared, nullptr, release).ok());
}

TEST_F(LockTest, WhoDoesNotWaitHearsNothing) {
  EXPECT_TRUE(Lock([](pid_t) { ADD_FAILURE(); }).ok());
}

}  // namespace
}  // namespace stave::base
