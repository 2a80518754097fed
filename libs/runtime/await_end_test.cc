// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/await_end.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/process.h"
#include "libs/store/container.h"
#include "libs/store/containers.h"
#include "libs/store/events.h"
#include "libs/store/pending.h"
#include "libs/store/record.h"
#include "libs/store/store.h"
#include "libs/testutil/temp_dir.h"

namespace stave::runtime {
namespace {

const base::Deadline kNever = base::Deadline::Never();
const base::Deadline kNow = base::Deadline::After(absl::ZeroDuration());

// A process that waits until it is killed.
class Sleeper {
 public:
  Sleeper() : pid_(::fork()) {
    while (pid_ == 0) ::pause();
  }
  ~Sleeper() { End(); }
  void End() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  base::ProcessIdentity identity() const { return *base::IdentifyProcess(pid_); }

 private:
  pid_t pid_;
};

class AwaitEndTest : public ::testing::Test {
 protected:
  AwaitEndTest()
      : store_(*store::Store::OpenRoots({dir_.path() + "/state", dir_.path() + "/run"},
                                        store::Access::kWrite)) {}

  // One with an entry, as whoever watches it has.
  store::Pending Make(bool rm = false) {
    auto pending = store::Pending::Reserve(store_, {.name = "web", .rm = rm});
    EXPECT_TRUE(pending.ok()) << pending.status();
    store::Record record;
    record.id = pending->id();
    record.name = "web";
    record.created = absl::UnixEpoch();
    record.rm = rm;
    record.started = true;
    EXPECT_TRUE(pending->container().WriteRecord(record).ok());
    return *std::move(pending);
  }
  // This process watches it.
  void Run(store::Pending* pending, const Sleeper& init) {
    state_.status = store::Status::kRunning;
    state_.init = init.identity();
    state_.runner = *base::IdentifyProcess(::getpid());
    ASSERT_TRUE(pending->container().WriteState(state_).ok());
    if (pending->phase() == store::Phase::kPending) {
      ASSERT_TRUE(pending->ToForeground().ok());
    }
  }
  static void WriteEnd(const store::Pending& pending, int code) {
    store::Exit exit;
    exit.code = code;
    ASSERT_TRUE(pending.container().WriteExit(exit).ok());
    ASSERT_TRUE(pending.container().RemoveState().ok());
  }
  std::optional<int> CodeOf(const std::string& id) {
    const auto end = AwaitEnd(store_, id, kNever);
    EXPECT_TRUE(end.ok()) << end.status();
    EXPECT_TRUE(end.ok() && end->has_value());
    return end.ok() && end->has_value() ? (*end)->code : std::optional<int>(-1);
  }

  testutil::TempDir dir_;
  store::Store store_;
  store::State state_;
};

TEST_F(AwaitEndTest, WhatHasEndedIsToldAtOnce) {
  store::Pending pending = Make();
  WriteEnd(pending, 7);
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

  std::thread watcher([&] { WriteEnd(pending, 3); });
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
