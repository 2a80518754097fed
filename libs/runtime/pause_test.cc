// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/pause.h"

#include "libs/base/error.h"
#include "libs/runtime/stored_run.h"
#include "libs/store/paused.h"

namespace stave::runtime {
namespace {

// What the freezer does is tested on cgroups (tests/root/ps_signal_test.py).
using PauseTest = StoredRun;

TEST_F(PauseTest, OneThatDoesNotRunIsNeitherPausedNorUnpaused) {
  store::Pending pending = Make();
  WriteCode(pending, 0);
  ASSERT_TRUE(pending.Done().ok());
  EXPECT_EQ(base::ErrorWord(Pause(store_, pending.id())), "E_NOT_RUNNING");
  EXPECT_EQ(base::ErrorWord(Unpause(store_, pending.id())), "E_NOT_RUNNING");
  EXPECT_EQ(base::ErrorWord(Pause(store_, std::string(64, 'a'))), "E_NO_CONTAINER");
}

TEST_F(PauseTest, WithoutAMarkerTheFreezerIsNotAsked) {
  store::Pending pending = Make();
  Sleeper init;
  Run(&pending, init);
  const auto view = store::GetContainer(store_, pending.id());
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_FALSE(IsPaused(*view));
  EXPECT_EQ(Unpause(store_, pending.id()).message(),
            "container " + pending.id() + " is not paused");
}

TEST_F(PauseTest, OneThatIsRestartingCannotBePaused) {
  store::Pending pending = Make();
  Sleeper init;
  Run(&pending, init);
  state_.status = store::Status::kRestarting;
  state_.init.reset();
  ASSERT_TRUE(pending.container().WriteState(state_).ok());
  EXPECT_EQ(base::ErrorWord(Pause(store_, pending.id())), "E_STATE");
}

}  // namespace
}  // namespace stave::runtime
