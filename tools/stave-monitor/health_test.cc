// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-monitor/health.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/unique_fd.h"
#include "libs/testutil/temp_dir.h"

namespace stave::tools {
namespace {

oci::Health Wish() {
  oci::Health wish;
  wish.test = {"CMD", "true"};
  wish.retries = 2;
  wish.start_period = absl::Seconds(100);
  return wish;
}

store::HealthCheck Check(int exit_code) {
  store::HealthCheck check;
  check.exit_code = exit_code;
  return check;
}

TEST(HealthTest, FailuresInARowMakeUnhealthy) {
  store::Health health;
  for (const int code : {0, 1, 0, 1}) NoteCheck(Wish(), absl::Hours(1), Check(code), &health);
  EXPECT_EQ(health.status, store::Wellness::kHealthy);
  EXPECT_EQ(health.failing_streak, 1);
  NoteCheck(Wish(), absl::Hours(1), Check(-1), &health);
  EXPECT_EQ(health.status, store::Wellness::kUnhealthy);
  NoteCheck(Wish(), absl::Hours(1), Check(0), &health);
  EXPECT_EQ(health.status, store::Wellness::kHealthy);
  EXPECT_EQ(health.log.size(), store::kHealthLog);
}

TEST(HealthTest, InTheStartPeriodFailuresDoNotCountUntilItWasWell) {
  store::Health health;
  for (int i = 0; i < 5; ++i) NoteCheck(Wish(), absl::Seconds(10), Check(1), &health);
  EXPECT_EQ(health.status, store::Wellness::kStarting);
  EXPECT_EQ(health.failing_streak, 0);
  EXPECT_EQ(NextCheck(Wish(), absl::Seconds(10), health), absl::Seconds(5));
  NoteCheck(Wish(), absl::Seconds(11), Check(0), &health);
  EXPECT_EQ(NextCheck(Wish(), absl::Seconds(12), health), absl::Seconds(30));
  for (int i = 0; i < 2; ++i) NoteCheck(Wish(), absl::Seconds(12), Check(1), &health);
  EXPECT_EQ(health.status, store::Wellness::kUnhealthy);
}

TEST(HealthTest, AfterTheStartPeriodTheyCount) {
  store::Health health;
  EXPECT_EQ(NextCheck(Wish(), absl::Seconds(101), health), absl::Seconds(30));
  for (int i = 0; i < 2; ++i) NoteCheck(Wish(), absl::Seconds(101), Check(1), &health);
  EXPECT_EQ(health.status, store::Wellness::kUnhealthy);
}

// A watch with a container's run folder and, if it has a program, an ns-exec that runs the check
// here.
class HealthWatchTest : public testing::Test {
 protected:
  HealthWatchTest() { ::setenv("STAVE_LIBEXEC", (dir_.path() + "/libexec/stave").c_str(), 1); }
  ~HealthWatchTest() override { ::unsetenv("STAVE_LIBEXEC"); }

  void MakeNsExec() {
    for (const char* folder : {"/libexec", "/libexec/stave", "/bin"}) {
      ASSERT_EQ(::mkdir((dir_.path() + folder).c_str(), 0700), 0);
    }
    const std::string path = dir_.path() + "/bin/ns-exec";
    std::ofstream(path) << "#!/bin/sh\nshift 2\nexec \"$@\"\n";
    ASSERT_EQ(::chmod(path.c_str(), 0700), 0);
  }

  HealthWatch* Open(oci::Health wish) {
    HealthPlace place;
    place.id = "c";
    place.run_fd = folder_.get();
    return &watch_.emplace(wish, place, absl::Now());
  }
  // The first change that a check makes.
  store::Wellness Change(const std::string& check, absl::Duration timeout) {
    oci::Health wish = Wish();
    wish.test = {"CMD-SHELL", check};
    wish.timeout = timeout;
    wish.start_period = wish.interval = absl::ZeroDuration();
    wish.retries = 1;
    Open(wish);
    for (;;) {
      if (const auto changed = Turn()) return *changed;
    }
  }
  // Of a poll(2) loop.
  std::optional<store::Wellness> Turn() {
    std::vector<pollfd> polls;
    watch_->AddTo(&polls);
    ::poll(polls.data(), polls.size(), watch_->deadline().PollTimeout());
    return watch_->Serve(polls);
  }
  std::vector<store::HealthCheck> Log() const {
    const std::optional<store::Health> health = store::ReadHealth(folder_.get());
    return health ? health->log : std::vector<store::HealthCheck>();
  }

  const testutil::TempDir dir_;
  const base::UniqueFd folder_{::open(dir_.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  std::optional<HealthWatch> watch_;
};

TEST_F(HealthWatchTest, OneThatCannotBeStartedIsAFailureAndTheNextIsDue) {
  oci::Health wish = Wish();
  wish.start_period = wish.start_interval = wish.interval = absl::ZeroDuration();
  Open(wish);
  EXPECT_EQ(Turn(), std::nullopt);
  EXPECT_EQ(Turn(), store::Wellness::kUnhealthy);
  EXPECT_EQ(watch_->deadline().Passed(), true);
  ASSERT_EQ(Log().size(), 2u);
  EXPECT_THAT(Log()[0].output, testing::HasSubstr("ns-exec: execute: No such file"));
}

TEST_F(HealthWatchTest, TheOutputAndTheCodeAreThoseOfTheProcess) {
  MakeNsExec();
  EXPECT_EQ(Change("echo broken; exit 3", absl::Minutes(10)), store::Wellness::kUnhealthy);
  ASSERT_EQ(Log().size(), 1u);
  EXPECT_EQ(Log()[0].output, "broken\n");
  EXPECT_EQ(Log()[0].exit_code, 3);
}

// yes(1) ends when nobody can read what it writes.
TEST_F(HealthWatchTest, WhatACheckLeavesBehindIsNotWaitedFor) {
  MakeNsExec();
  EXPECT_EQ(Change("yes & exit 0", absl::Minutes(10)), store::Wellness::kHealthy);
  ASSERT_EQ(Log().size(), 1u);
  EXPECT_LE(Log()[0].output.size(), store::kHealthOutput);
}

TEST_F(HealthWatchTest, OneThatEndsItsOutputEndsLater) {
  MakeNsExec();
  EXPECT_EQ(Change("echo well; exec >&- 2>&-; sleep 0.1; exit 0", absl::Minutes(10)),
            store::Wellness::kHealthy);
  EXPECT_EQ(Log()[0].output, "well\n");
}

TEST_F(HealthWatchTest, OneThatWritesForEverTakesTooLong) {
  MakeNsExec();
  EXPECT_EQ(Change("yes & yes & exec sleep 1000", absl::Milliseconds(20)),
            store::Wellness::kUnhealthy);
  EXPECT_EQ(Log()[0].output, "Health check exceeded timeout (20ms)");
  EXPECT_EQ(Log()[0].exit_code, -1);
}

TEST_F(HealthWatchTest, OneThatDoesNotWantToEndIsKilled) {
  MakeNsExec();
  EXPECT_EQ(Change("trap '' TERM; yes & exec sleep 1000", absl::Milliseconds(20)),
            store::Wellness::kUnhealthy);
  EXPECT_EQ(Log()[0].exit_code, -1);
}

TEST_F(HealthWatchTest, NothingIsUnderWayAfterAStop) {
  MakeNsExec();
  oci::Health wish = Wish();
  wish.test = {"CMD-SHELL", "trap '' TERM; echo; exec sleep 1000"};
  wish.timeout = absl::Minutes(10);
  wish.start_interval = absl::ZeroDuration();
  HealthWatch* watch = Open(wish);
  EXPECT_EQ(Turn(), std::nullopt);  // it is started
  EXPECT_EQ(Turn(), std::nullopt);  // it has written
  watch->Stop();
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
  EXPECT_EQ(watch->deadline().PollTimeout(), -1);
}

}  // namespace
}  // namespace stave::tools
