// SPDX-License-Identifier: Apache-2.0
#include "libs/store/pending.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/id.h"
#include "libs/store/containers.h"
#include "libs/store/name.h"
#include "libs/store/test_store.h"

namespace stave::store {
namespace {

class PendingTest : public StoreTest {
 protected:
  Pending Reserve(Intent intent) {
    auto pending = Pending::Reserve(store(), std::move(intent));
    EXPECT_TRUE(pending.ok()) << pending.status();
    return *std::move(pending);
  }
  static Record RecordOf(const Pending& pending) {
    Record record;
    record.id = pending.id();
    record.name = pending.intent().name;
    record.created = absl::UnixEpoch();
    record.started = true;
    return record;
  }
  // What a maker that was killed leaves: everything but the lock.
  std::string Killed(Intent intent) { return Reserve(std::move(intent)).id(); }
};

TEST_F(PendingTest, MakesEntryNameAndFolders) {
  const Pending pending = Reserve({"web", false, true});

  EXPECT_TRUE(base::IsId(pending.id()));
  EXPECT_EQ(Read("run/pending/" + pending.id()),
            "{\"name\":\"web\",\"rm\":false,\"record\":true}\n");
  EXPECT_TRUE(Exists("state/names/web"));
  EXPECT_TRUE(Exists("state/containers/" + pending.id()));
  EXPECT_TRUE(Exists("run/containers/" + pending.id()));
}

TEST_F(PendingTest, DrawsANameAndNotesIt) {
  const Pending pending = Reserve({"", true, true});

  EXPECT_TRUE(CheckName(pending.intent().name).ok());
  EXPECT_TRUE(Exists("state/names/" + pending.intent().name));
  EXPECT_EQ(Read("run/pending/" + pending.id()), absl::StrCat("{\"name\":\"", pending.intent().name,
                                                              "\",\"rm\":true,\"record\":true}\n"));
}

TEST_F(PendingTest, ATakenNameIsTheConflictThatDockerTells) {
  const Pending first = Reserve({"web", false, true});

  const auto second = Pending::Reserve(store(), {"web", false, true});

  EXPECT_EQ(base::ErrorWord(second.status()), "E_NAME_TAKEN");
  EXPECT_EQ(second.status().message(),
            absl::StrCat("Conflict. The container name \"/web\" is already in use by container \"",
                         first.id(),
                         "\". You have to remove (or rename) that container to be able to reuse "
                         "that name."));
}

TEST_F(PendingTest, AFailedReservationLeavesNothing) {
  const Pending first = Reserve({"web", false, true});
  ASSERT_FALSE(Pending::Reserve(store(), {"web", false, true}).ok());
  ASSERT_FALSE(Pending::Reserve(store(), {"../x", false, true}).ok());

  ASSERT_TRUE(StaleEntries(store())->empty());
  EXPECT_TRUE(Exists("state/names/web"));
  Remove("run/pending/" + first.id());
  EXPECT_EQ(::rmdir((folder() + "/run/pending").c_str()), 0);
}

TEST_F(PendingTest, AStaleNameIsTakenOver) {
  ASSERT_EQ(::symlink(std::string(64, 'a').c_str(), (folder() + "/state/names/web").c_str()), 0);
  ASSERT_EQ(::symlink("/etc/passwd", (folder() + "/state/names/odd").c_str()), 0);

  EXPECT_EQ(Reserve({"web", false, true}).intent().name, "web");
  EXPECT_EQ(Reserve({"odd", false, true}).intent().name, "odd");
}

TEST_F(PendingTest, OneOfManyGetsTheName) {
  for (int round = 0; round < 10; ++round) {
    const std::string name = absl::StrCat("name", round);
    // A stale one makes all of them go the longer way.
    ASSERT_EQ(::symlink(std::string(64, 'a').c_str(), (folder() + "/state/names/" + name).c_str()),
              0);
    std::vector<pid_t> children;
    for (int i = 0; i < 8; ++i) {
      const pid_t child = ::fork();
      if (child == 0) {
        auto mine = Store::OpenRoots(roots(), Access::kWrite);
        auto pending = Pending::Reserve(*mine, {name, false, true});
        if (!pending.ok()) ::_exit(base::ErrorWord(pending.status()) == "E_NAME_TAKEN" ? 1 : 2);
        ::_exit(pending->Done().ok() ? 0 : 2);
      }
      children.push_back(child);
    }
    int winners = 0;
    for (const pid_t child : children) {
      int status = -1;
      ASSERT_EQ(::waitpid(child, &status, 0), child);
      ASSERT_TRUE(WIFEXITED(status));
      ASSERT_LE(WEXITSTATUS(status), 1);
      winners += WEXITSTATUS(status) == 0 ? 1 : 0;
    }
    EXPECT_EQ(winners, 1);
  }
}

TEST_F(PendingTest, TheForegroundKeepsTheLock) {
  Pending pending = Reserve({"web", false, true});
  ASSERT_TRUE(pending.ToForeground().ok());

  EXPECT_FALSE(Exists("run/pending/" + pending.id()));
  EXPECT_TRUE(Exists("run/foreground/" + pending.id()));
  EXPECT_TRUE(StaleEntries(store())->empty());
  ASSERT_TRUE(pending.Done().ok());
  EXPECT_FALSE(Exists("run/foreground/" + pending.id()));
  EXPECT_TRUE(Exists("state/names/web"));
}

TEST_F(PendingTest, UndoLeavesNothing) {
  for (const bool record : {true, false}) {
    Pending pending = Reserve({"web", true, record});
    ASSERT_TRUE(pending.container().WriteRecord(RecordOf(pending)).ok());
    ASSERT_TRUE(pending.ToForeground().ok());

    ASSERT_TRUE(pending.Undo().ok());

    EXPECT_FALSE(Exists("state/names/web"));
    EXPECT_FALSE(Exists("state/containers/" + pending.id()));
    EXPECT_FALSE(Exists("state/trash/" + pending.id()));
    EXPECT_FALSE(Exists("run/containers/" + pending.id()));
    EXPECT_FALSE(Exists("run/foreground/" + pending.id()));
  }
}

// Also of a start that has failed late: its hooks poststart run when it is in foreground/.
TEST_F(PendingTest, UndoLeavesWhatExistedBefore) {
  std::string id;
  {
    Pending made = Reserve({"web", false, true});
    id = made.id();
    ASSERT_TRUE(made.container().WriteRecord(RecordOf(made)).ok());
    ASSERT_TRUE(made.Done().ok());
  }
  auto start = Pending::Adopt(store(), id, true);
  ASSERT_TRUE(start.ok()) << start.status();
  ASSERT_TRUE(start->ToForeground().ok());

  ASSERT_TRUE(start->Undo().ok());

  EXPECT_FALSE(Exists("run/foreground/" + id));
  EXPECT_TRUE(Exists("state/names/web"));
  EXPECT_TRUE(Exists("state/containers/" + id + "/record.json"));
}

TEST_F(PendingTest, WithoutARecordNothingIsInState) {
  const Pending pending = Reserve({"", true, false});
  ASSERT_TRUE(pending.container().WriteRecord(RecordOf(pending)).ok());

  EXPECT_FALSE(Exists("state/containers/" + pending.id()));
  EXPECT_TRUE(Exists("run/containers/" + pending.id() + "/record.json"));
  EXPECT_EQ(pending.container().home_path(), folder() + "/run/containers/" + pending.id());
}

TEST_F(PendingTest, ADeadOnesEntryIsStale) {
  const std::string id = Killed({"web", true, true});

  {
    auto stale = StaleEntries(store());
    ASSERT_TRUE(stale.ok());
    ASSERT_EQ(stale->size(), 1u);
    EXPECT_EQ((*stale)[0].id(), id);
    EXPECT_EQ((*stale)[0].intent().name, "web");
    EXPECT_TRUE((*stale)[0].intent().rm);
    EXPECT_TRUE((*stale)[0].has_container());
    EXPECT_EQ((*stale)[0].phase(), Phase::kPending);
    EXPECT_TRUE(StaleEntries(store())->empty()) << "two sweepers must not share one";
    ASSERT_TRUE((*stale)[0].Undo().ok());
  }
  EXPECT_FALSE(Exists("state/names/web"));
  EXPECT_FALSE(Exists("run/pending/" + id));
  EXPECT_TRUE(StaleEntries(store())->empty());
}

TEST_F(PendingTest, AKilledProcessIsNoticed) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto mine = Store::OpenRoots(roots(), Access::kWrite);
    auto pending = Pending::Reserve(*mine, {"web", false, true});
    (void)pending->ToForeground();
    ::kill(::getpid(), SIGKILL);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);

  auto stale = StaleEntries(store());

  ASSERT_TRUE(stale.ok());
  ASSERT_EQ(stale->size(), 1u);
  EXPECT_EQ((*stale)[0].phase(), Phase::kForeground);
}

TEST_F(PendingTest, DamagedAndForeignEntriesAreSafe) {
  const std::string id = Killed({"web", false, true});
  Write("run/pending/" + id, std::string(100000, '\0'));
  MakeDir("run/pending/" + std::string(64, 'd'));
  ASSERT_EQ(::symlink("/etc/passwd", (folder() + "/run/pending/" + std::string(64, 'e')).c_str()),
            0);
  Write("run/pending/not-an-id", "x");
  Write("run/pending/" + std::string(64, 'f') + ".new", "");

  auto stale = StaleEntries(store());

  ASSERT_TRUE(stale.ok());
  ASSERT_EQ(stale->size(), 1u);
  EXPECT_EQ((*stale)[0].intent().name, "");
  ASSERT_TRUE((*stale)[0].Undo().ok());
  EXPECT_FALSE(Exists("state/names/web")) << "its name is found without the text";
  EXPECT_FALSE(Exists("run/pending/" + std::string(64, 'f') + ".new"));
}

// Else what is there would be taken for gone, and be removed.
TEST_F(PendingTest, WhatCannotBeOpenedIsLeftToTheNextSweep) {
  constexpr int kContainers = 4;
  for (int i = 0; i < kContainers; ++i) {
    const Pending pending = Reserve({absl::StrCat("web", i), false, true});
    ASSERT_TRUE(pending.container().WriteRecord(RecordOf(pending)).ok());
  }
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int lowest = ::dup(0);
  ::close(lowest);
  for (rlim_t spare = 1; spare < 3 * kContainers + 4; ++spare) {
    rlimit few = before;
    few.rlim_cur = static_cast<rlim_t>(lowest) + spare;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    const auto stale = StaleEntries(store());
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);

    if (!stale.ok()) continue;
    for (const Pending& entry : *stale) EXPECT_TRUE(entry.has_container()) << "spare: " << spare;
  }
  EXPECT_EQ(StaleEntries(store())->size(), static_cast<size_t>(kContainers));
}

TEST_F(PendingTest, AllForegroundEntriesAreFoundInTime) {
  for (int i = 0; i < 70; ++i) {
    Pending pending = Reserve({"", true, false});
    ASSERT_TRUE(pending.ToForeground().ok());
  }

  size_t found = 0;
  for (int sweep = 0; sweep < 3; ++sweep) {
    auto stale = StaleEntries(store());
    ASSERT_TRUE(stale.ok());
    EXPECT_LE(stale->size(), 64u);
    found += stale->size();
    for (Pending& pending : *stale) ASSERT_TRUE(pending.Undo().ok());
  }

  EXPECT_EQ(found, 70u);
}

TEST_F(PendingTest, TrashIsSwept) {
  MakeDir("state/trash/" + std::string(64, 'a'));
  Write("state/trash/" + std::string(64, 'a') + "/x", "x");

  ASSERT_TRUE(StaleEntries(store()).ok());

  EXPECT_FALSE(Exists("state/trash/" + std::string(64, 'a')));
}

}  // namespace
}  // namespace stave::store
