// SPDX-License-Identifier: Apache-2.0
//
// For tests: a store with a container that "runs", without privilege: its first process is a child
// that sleeps, and the test itself is its watcher.

#ifndef STAVE_LIBS_RUNTIME_STORED_RUN_H_
#define STAVE_LIBS_RUNTIME_STORED_RUN_H_

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/base/process.h"
#include "libs/store/container.h"
#include "libs/store/pending.h"
#include "libs/store/record.h"
#include "libs/store/store.h"
#include "libs/testutil/temp_dir.h"

namespace stave::runtime {

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
  // How somebody else has ended it, as of waitpid(2).
  int Reap() {
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return status;
  }
  base::ProcessIdentity identity() const { return *base::IdentifyProcess(pid_); }

 private:
  pid_t pid_;
};

class StoredRun : public ::testing::Test {
 protected:
  StoredRun()
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
  static void WriteCode(const store::Pending& pending, int code) {
    store::Exit exit;
    exit.code = code;
    ASSERT_TRUE(pending.container().WriteExit(exit).ok());
    ASSERT_TRUE(pending.container().RemoveState().ok());
  }

  testutil::TempDir dir_;
  store::Store store_;
  store::State state_;
};

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_STORED_RUN_H_
