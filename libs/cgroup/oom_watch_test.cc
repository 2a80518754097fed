// SPDX-License-Identifier: Apache-2.0
//
// Folders and files stand in for a v2 cgroup; tests/root and tests/vm run out of memory.
#include "libs/cgroup/oom_watch.h"

#include <poll.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/testutil/temp_dir.h"

namespace stave::cgroup {
namespace {

class OomWatchTest : public ::testing::Test {
 protected:
  OomWatchTest() { dir_.Mkdir("x"); }

  void Put(absl::string_view file, absl::string_view text) {
    dir_.Put(absl::StrCat("x/", file), text);
  }
  absl::StatusOr<OomWatch> Start() {
    const Hierarchies one = {{{Version::kV2, {"memory"}, dir_.path()}}};
    return OomWatch::Start(*Cgroup::Open("/x", one));
  }

  testutil::TempDir dir_;
};

bool IsReadable(int fd) {
  pollfd waiting = {fd, POLLIN, 0};
  return poll(&waiting, 1, 0) == 1;
}

TEST_F(OomWatchTest, CountsFromItsStart) {
  Put("memory.events", "low 0\nmax 9\noom 2\noom_kill 3\n");
  Put("cgroup.events", "populated 1\nfrozen 0\n");
  auto watch = Start();
  ASSERT_TRUE(watch.ok()) << watch.status();
  EXPECT_FALSE(IsReadable(watch->fd()));

  Put("memory.events", "low 0\nmax 9\noom 3\noom_kill 5\n");

  EXPECT_TRUE(IsReadable(watch->fd()));
  const OomWatch::News news = watch->Take();
  EXPECT_EQ(news.events, 1);
  EXPECT_EQ(news.kills, 2);
  EXPECT_FALSE(news.ended);
  EXPECT_FALSE(IsReadable(watch->fd()));
  EXPECT_EQ(watch->Take().kills, 0);
}

TEST_F(OomWatchTest, AKillAloneIsAnEvent) {
  Put("memory.events", "oom 0\noom_kill 0\n");
  Put("cgroup.events", "populated 1\n");
  auto watch = Start();
  ASSERT_TRUE(watch.ok()) << watch.status();

  Put("memory.events", "oom 0\noom_kill 1\n");

  EXPECT_EQ(watch->Take().events, 1);
}

TEST_F(OomWatchTest, EndsWhenNothingIsLeft) {
  Put("memory.events", "oom 0\noom_kill 0\n");
  Put("cgroup.events", "populated 1\n");
  auto watch = Start();
  ASSERT_TRUE(watch.ok()) << watch.status();

  Put("cgroup.events", "populated 0\n");

  EXPECT_TRUE(IsReadable(watch->fd()));
  EXPECT_TRUE(watch->Take().ended);
}

TEST_F(OomWatchTest, NeedsTheController) {
  const auto watch = Start();
  ASSERT_FALSE(watch.ok());
  EXPECT_EQ(base::ErrorWord(watch.status()), "E_CGROUP");
}

}  // namespace
}  // namespace stave::cgroup
