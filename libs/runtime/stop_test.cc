// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/stop.h"

#include <thread>

#include "libs/base/error.h"
#include "libs/runtime/stored_run.h"
#include "libs/store/containers.h"

namespace stave::runtime {
namespace {

class StopTest : public StoredRun {
 protected:
  // The watcher: writes down the end of `init`, which somebody else brings about.
  std::thread Watch(store::Pending* pending, Sleeper* init, int* status) {
    return std::thread([pending, init, status] {
      *status = init->Reap();
      WriteCode(*pending, 128 + WTERMSIG(*status));
    });
  }
};

TEST_F(StopTest, OneThatDoesNotRunIsStoppedAndCannotBeSignalled) {
  store::Pending pending = Make();
  WriteCode(pending, 0);
  ASSERT_TRUE(pending.Done().ok());
  EXPECT_TRUE(Stop(store_, pending.id(), {}).ok());
  EXPECT_EQ(base::ErrorWord(SendSignal(store_, pending.id(), SIGTERM)), "E_NOT_RUNNING");
  EXPECT_EQ(base::ErrorWord(SendSignal(store_, pending.id(), SIGKILL)), "E_NOT_RUNNING");
}

TEST_F(StopTest, WhatIsNotThereIsTold) {
  const std::string nobody(64, 'a');
  EXPECT_EQ(base::ErrorWord(Stop(store_, nobody, {})), "E_NO_CONTAINER");
  EXPECT_EQ(base::ErrorWord(SendSignal(store_, nobody, SIGTERM)), "E_NO_CONTAINER");
}

TEST_F(StopTest, TheSignalThatIsAskedForEndsIt) {
  store::Pending pending = Make();
  Sleeper init;
  Run(&pending, init);
  int status = 0;
  std::thread watcher = Watch(&pending, &init, &status);
  EXPECT_TRUE(Stop(store_, pending.id(), {SIGUSR1, absl::InfiniteDuration()}).ok());
  watcher.join();
  EXPECT_EQ(WTERMSIG(status), SIGUSR1);
}

TEST_F(StopTest, WithoutGraceItIsKilled) {
  store::Pending pending = Make();
  Sleeper init;
  Run(&pending, init);
  int status = 0;
  std::thread watcher = Watch(&pending, &init, &status);
  EXPECT_TRUE(Stop(store_, pending.id(), {SIGCONT, absl::ZeroDuration()}).ok());
  watcher.join();
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

// Its number may be somebody else's by now.
TEST_F(StopTest, NoSignalReachesAnotherThanItsFirstProcess) {
  store::Pending pending = Make();
  Sleeper init, stranger;
  Run(&pending, init);
  state_.init = stranger.identity();
  state_.init->start_time += 1;
  ASSERT_TRUE(pending.container().WriteState(state_).ok());
  EXPECT_FALSE(SendSignal(store_, pending.id(), SIGTERM).ok());
  EXPECT_EQ(::kill(static_cast<pid_t>(stranger.identity().pid), 0), 0);
}

}  // namespace
}  // namespace stave::runtime
