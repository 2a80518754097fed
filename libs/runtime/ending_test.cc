// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/ending.h"

#include "absl/time/clock.h"
#include "libs/runtime/stored_run.h"
#include "libs/store/containers.h"

namespace stave::runtime {
namespace {

class EndingTest : public StoredRun {
 protected:
  // That of `pending`, which has no cgroup.
  Ending Of(store::Pending* pending) { return Ending{&store_, pending, &no_group_, &state_}; }

  std::optional<cgroup::Cgroup> no_group_;
};

TEST_F(EndingTest, HowItEndedIsWrittenDown) {
  store::Pending pending = Make();
  Sleeper init;
  Run(&pending, init);
  state_.started = absl::Now() - absl::Seconds(5);
  Ended ended;
  ended.code = 128 + SIGTERM;
  ended.signal = SIGTERM;
  const store::Exit exit = ExitOf(ended, Of(&pending));
  EXPECT_EQ(exit.code, 143);
  EXPECT_EQ(exit.signal, SIGTERM);
  EXPECT_FALSE(exit.oom);
  EXPECT_EQ(exit.started, state_.started);
  ASSERT_TRUE(WriteEnd(exit, Of(&pending)).ok());
  const auto view = store::GetContainer(store_, pending.id());
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_EQ(view->status, store::Status::kExited);
  EXPECT_EQ(view->exit->code, 143);
  EXPECT_TRUE(CleanUp(Of(&pending)).ok());
  EXPECT_TRUE(store::GetContainer(store_, pending.id()).ok());
}

TEST_F(EndingTest, OneThatIsNotKeptIsGoneOnceItsEndIsWritten) {
  store::Pending pending = Make(true);
  Sleeper init;
  Run(&pending, init);
  const std::string id = pending.id();
  ASSERT_TRUE(WriteEnd(ExitOf({}, Of(&pending)), Of(&pending)).ok());
  EXPECT_TRUE(absl::IsNotFound(store::FindContainer(store_, "web").status()));
  // The name is free before the files are.
  EXPECT_TRUE(store::Pending::Reserve(store_, {.name = "web"}).ok());
  EXPECT_TRUE(CleanUp(Of(&pending)).ok());
  EXPECT_TRUE(absl::IsNotFound(store::GetContainer(store_, id).status()));
}

}  // namespace
}  // namespace stave::runtime
