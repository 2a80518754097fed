// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/await_end.h"

#include <unistd.h>

#include <optional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/runtime/stored_run.h"
#include "libs/store/containers.h"
#include "libs/store/events.h"

namespace stave::runtime {
namespace {

const base::Deadline kNever = base::Deadline::Never();
const base::Deadline kNow = base::Deadline::After(absl::ZeroDuration());

class AwaitEndTest : public StoredRun {
 protected:
  std::optional<int> CodeOf(const std::string& id) {
    const auto end = AwaitEnd(store_, id, kNever);
    EXPECT_TRUE(end.ok()) << end.status();
    EXPECT_TRUE(end.ok() && end->has_value());
    return end.ok() && end->has_value() ? (*end)->code : std::optional<int>(-1);
  }
};

TEST_F(AwaitEndTest, WhatHasEndedIsToldAtOnce) {
  store::Pending pending = Make();
  WriteCode(pending, 7);
  ASSERT_TRUE(pending.Done().ok());
  EXPECT_EQ(CodeOf(pending.id()), 7);
  EXPECT_EQ(base::ErrorWord(AwaitEnd(store_, std::string(64, 'a'), kNever).status()),
            "E_NO_CONTAINER");
}

TEST_F(AwaitEndTest, ItsEndIsWaitedForAndThatItIsWrittenDown) {
  store::Pending pending = Make();
  Sleeper init;
  Run(&pending, init);
  const auto early = AwaitEnd(store_, pending.id(), kNow);
  ASSERT_TRUE(early.ok());
  EXPECT_FALSE(early->has_value());

  init.End();  // dead, and not written down: its watcher lives
  const auto still = AwaitEnd(store_, pending.id(), kNow);
  ASSERT_TRUE(still.ok());
  EXPECT_FALSE(still->has_value());

  std::thread watcher([&] { WriteCode(pending, 3); });
  EXPECT_EQ(CodeOf(pending.id()), 3);
  watcher.join();
}

TEST_F(AwaitEndTest, OneThatRemovesItselfIsToldByTheJournal) {
  store::Pending pending = Make(true);
  Sleeper init;
  Run(&pending, init);
  std::thread watcher([&] {
    init.End();
    store::AppendEvent(store_, "die", pending.id(), "web", {{"exitCode", "5"}});
    EXPECT_TRUE(pending.Undo().ok());
  });
  const auto end = AwaitEnd(store_, pending.id(), kNever);
  watcher.join();
  // It may have been gone before it was looked for.
  EXPECT_TRUE(end.ok() ? (*end)->code == 5 : absl::IsNotFound(end.status()));
  EXPECT_TRUE(AwaitGone(store_, pending.id(), kNever).ok());
}

// Returns when this process holds a pidfd: AwaitEnd has seen the container and looks after it.
void UntilItIsWatched() {
  for (bool watched = false; !watched;) {
    for (int fd = 3; fd < 64 && !watched; ++fd) {
      char link[64] = {};
      const std::string path = "/proc/self/fd/" + std::to_string(fd);
      watched = ::readlink(path.c_str(), link, sizeof link - 1) > 0 &&
                std::string(link) == "anon_inode:[pidfd]";
    }
  }
}

TEST_F(AwaitEndTest, WithARestartTheRunUnderWayIsMeant) {
  store::Pending pending = Make();
  Sleeper init;
  Run(&pending, init);
  std::thread watcher([&] {
    UntilItIsWatched();
    init.End();
    state_.status = store::Status::kRestarting;
    state_.init.reset();
    state_.last_code = 9;
    EXPECT_TRUE(pending.container().WriteState(state_).ok());
  });
  EXPECT_EQ(CodeOf(pending.id()), 9);
  watcher.join();

  // It is restarting now: the next run is meant.
  const auto next = AwaitEnd(store_, pending.id(), kNow);
  ASSERT_TRUE(next.ok());
  EXPECT_FALSE(next->has_value());
}

TEST_F(AwaitEndTest, ADeadWatcherIsRecoveredFrom) {
  std::string id;
  {
    store::Pending pending = Make();
    Sleeper init, runner;
    Run(&pending, init);
    state_.runner = runner.identity();
    ASSERT_TRUE(pending.container().WriteState(state_).ok());
    id = pending.id();
  }  // its lock is free now, and both are dead
  EXPECT_EQ(CodeOf(id), std::nullopt);
  EXPECT_TRUE(store::GetContainer(store_, id)->exit.has_value());
}

TEST_F(AwaitEndTest, OneThatIsMadeIsWaitedFor) {
  store::Pending pending = Make();
  EXPECT_EQ(base::ErrorWord(AwaitMade(store_, pending.id(), kNow)), "E_TIMEOUT");
  std::thread maker([&] { EXPECT_TRUE(pending.ToForeground().ok()); });
  EXPECT_TRUE(AwaitMade(store_, pending.id(), kNever).ok());
  maker.join();
  EXPECT_TRUE(AwaitMade(store_, std::string(64, 'a'), kNow).ok());
}

TEST_F(AwaitEndTest, GoneIsWhenTheEntryIsGoneToo) {
  store::Pending pending = Make();
  Sleeper init;
  Run(&pending, init);
  EXPECT_EQ(base::ErrorWord(AwaitGone(store_, pending.id(), kNow)), "E_TIMEOUT");
  std::thread watcher([&] {
    init.End();
    EXPECT_TRUE(pending.Undo().ok());
  });
  EXPECT_TRUE(AwaitGone(store_, pending.id(), kNever).ok());
  watcher.join();
  EXPECT_TRUE(AwaitGone(store_, std::string(64, 'a'), kNow).ok());
}

}  // namespace
}  // namespace stave::runtime
