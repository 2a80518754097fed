// SPDX-License-Identifier: Apache-2.0
#include "libs/store/containers.h"

#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/atomic_file.h"
#include "libs/base/error.h"
#include "libs/base/process.h"
#include "libs/store/container.h"
#include "libs/store/paused.h"
#include "libs/store/pending.h"
#include "libs/store/test_store.h"
#include "libs/store/trash.h"

namespace stave::store {
namespace {

class ContainersTest : public StoreTest {
 protected:
  // A container with a record, that has been acknowledged.
  std::string Make(const std::string& name, int age, Intent intent = {}) {
    intent.name = name;
    auto pending = Pending::Reserve(store(), intent);
    EXPECT_TRUE(pending.ok()) << pending.status();
    Record record;
    record.id = pending->id();
    record.name = pending->intent().name;
    record.image = "docker.io/library/alpine:latest";
    record.command = {"sh"};
    record.created = absl::FromUnixSeconds(1000000 - age);
    record.rm = intent.rm;
    EXPECT_TRUE(pending->container().WriteRecord(record).ok());
    EXPECT_TRUE(pending->Done().ok());
    return pending->id();
  }
  Container Open(const std::string& id) { return *Container::Open(store(), id); }
  void SetStarted(const std::string& id) {
    Record record = *Open(id).ReadRecord();
    record.started = true;
    ASSERT_TRUE(Open(id).WriteRecord(record).ok());
  }
  static State RunningAs(base::ProcessIdentity identity) {
    State state;
    state.status = Status::kRunning;
    state.init = std::move(identity);
    state.started = absl::UnixEpoch();
    return state;
  }
  static base::ProcessIdentity Me() { return *base::IdentifyProcess(::getpid()); }
  void Run(const std::string& id) {
    SetStarted(id);
    ASSERT_TRUE(Open(id).WriteState(RunningAs(Me())).ok());
  }
  std::vector<std::string> Names(Which which) {
    const auto list = ListContainers(store(), which);
    EXPECT_TRUE(list.ok()) << list.status();
    std::vector<std::string> names;
    for (const ContainerView& view : *list) names.push_back(view.record.name);
    return names;
  }
  Status StatusOf(const std::string& id) { return GetContainer(store(), id)->status; }
};

TEST_F(ContainersTest, ListsNewestFirst) {
  Make("old", 3);
  Make("new", 1);
  Make("mid", 2);

  EXPECT_EQ(Names(Which::kAll), (std::vector<std::string>{"new", "mid", "old"}));
  EXPECT_TRUE(Names(Which::kRunning).empty());
}

TEST_F(ContainersTest, AMissingFileOfARemovedOneIsNoContainer) {
  const std::string id = Make("web", 1);
  const absl::Status missing = absl::NotFoundError("config.json: open"),
                     other = absl::DataLossError("x");

  EXPECT_EQ(TellRemoval(store(), id, "web", missing), missing);  // damage
  const absl::Status by_id = GetContainer(store(), std::string(64, '0')).status();
  EXPECT_EQ(TellRemoval(store(), id, "web", by_id).message(), "No such container: web");
  ASSERT_TRUE(RemoveContainer(store(), id).ok());
  const absl::Status told = TellRemoval(store(), id, "web", missing);
  EXPECT_EQ(base::ErrorWord(told), "E_NO_CONTAINER");
  EXPECT_EQ(told.message(), "No such container: web");
  EXPECT_EQ(TellRemoval(store(), id, "web", other), other);
  EXPECT_TRUE(TellRemoval(store(), id, "web", absl::OkStatus()).ok());
  EXPECT_EQ(base::ErrorWord(Container::Open(store(), id).status()), "E_NO_CONTAINER");
}

TEST_F(ContainersTest, AnEmptyStoreHasNone) {
  const auto none = Store::OpenRoots({folder() + "/x", folder() + "/y"}, Access::kRead);

  EXPECT_TRUE(ListContainers(*none, Which::kAll)->empty());
  EXPECT_TRUE(ListContainers(*none, Which::kRunning)->empty());
  EXPECT_EQ(base::ErrorWord(FindContainer(*none, "web").status()), "E_NO_CONTAINER");
  EXPECT_EQ(base::ErrorWord(FindContainer(*none, "abc").status()), "E_NO_CONTAINER");
}

TEST_F(ContainersTest, GoesThroughItsLife) {
  const std::string id = Make("web", 1);
  EXPECT_EQ(StatusOf(id), Status::kCreated);

  Run(id);
  EXPECT_EQ(StatusOf(id), Status::kRunning);
  EXPECT_EQ(Names(Which::kRunning), std::vector<std::string>{"web"});

  Exit exit;
  exit.code = 3;
  ASSERT_TRUE(Open(id).WriteExit(exit).ok());
  ASSERT_TRUE(Open(id).RemoveState().ok());
  EXPECT_EQ(StatusOf(id), Status::kExited);
  EXPECT_EQ(GetContainer(store(), id)->exit->code, 3);
  EXPECT_TRUE(Names(Which::kRunning).empty());
}

TEST_F(ContainersTest, ADeadInitIsAnUnknownExit) {
  const std::string id = Make("web", 1);
  base::ProcessIdentity other = Me();
  for (const int change : {0, 1, 2}) {
    other = Me();
    if (change == 0) other.boot_id = "00000000-0000-0000-0000-000000000000";
    if (change == 1) other.start_time += 1;
    if (change == 2) other.pid = 4194303;
    ASSERT_TRUE(Open(id).WriteState(RunningAs(other)).ok());

    const auto view = GetContainer(store(), id);
    EXPECT_EQ(view->status, Status::kExited) << change;
    ASSERT_TRUE(view->exit.has_value());
    EXPECT_FALSE(view->exit->code.has_value());
    EXPECT_FALSE(view->state->init.has_value());
  }
}

TEST_F(ContainersTest, ARestartingOneRunsAsLongAsItsWatcherLives) {
  const std::string id = Make("web", 1);
  SetStarted(id);
  State state;
  state.status = Status::kRestarting;
  state.init = Me();  // an old one, that is not to be believed
  state.runner = Me();
  state.last_code = 3;
  ASSERT_TRUE(Open(id).WriteState(state).ok());

  const auto view = GetContainer(store(), id);
  EXPECT_EQ(view->status, Status::kRestarting);
  EXPECT_FALSE(view->state->init.has_value());
  EXPECT_EQ(view->state->last_code, 3);
  EXPECT_EQ(Names(Which::kRunning), std::vector<std::string>{"web"});
  EXPECT_EQ(base::ErrorWord(RemoveContainer(store(), id)), "E_RUNNING");

  state.runner->start_time += 1;
  ASSERT_TRUE(Open(id).WriteState(state).ok());
  EXPECT_EQ(StatusOf(id), Status::kExited);
  EXPECT_TRUE(RemoveContainer(store(), id).ok());
}

TEST_F(ContainersTest, TellsOfTheMarkOfAPausedOneOnlyWhileItRuns) {
  const std::string id = Make("web", 1);
  ASSERT_TRUE(MarkPaused(Open(id)).ok());
  EXPECT_FALSE(GetContainer(store(), id)->marked_paused);

  Run(id);
  EXPECT_TRUE(GetContainer(store(), id)->marked_paused);

  ASSERT_TRUE(UnmarkPaused(Open(id)).ok());
  EXPECT_FALSE(GetContainer(store(), id)->marked_paused);
}

// The payload had ended before ns-run could look at it.
TEST_F(ContainersTest, WithoutAnInitItRunsAsLongAsItsWatcher) {
  const std::string id = Make("web", 1);
  State state = RunningAs(Me());
  state.runner = *std::exchange(state.init, std::nullopt);
  ASSERT_TRUE(Open(id).WriteState(state).ok());
  EXPECT_EQ(StatusOf(id), Status::kRunning);

  state.runner->start_time += 1;
  ASSERT_TRUE(Open(id).WriteState(state).ok());
  EXPECT_EQ(StatusOf(id), Status::kExited);
}

// Killed after the rename into trash/: the next sweep does the rest.
TEST_F(ContainersTest, ARemovalIsDecidedByTheFirstRename) {
  const std::string id = Make("web", 1);
  ASSERT_TRUE(Discard(store(), id, base::Durability::kVolatile).ok());
  EXPECT_TRUE(Names(Which::kAll).empty());

  ASSERT_TRUE(StaleEntries(store()).ok());
  EXPECT_FALSE(Exists("state/names/web"));
  EXPECT_FALSE(Exists("run/containers/" + id));
  EXPECT_FALSE(Exists("state/trash/" + id));
}

TEST_F(ContainersTest, ARebootEndsWhatHadStarted) {
  const std::string created = Make("created", 1);
  const std::string ran = Make("ran", 2);
  Run(ran);
  Remove("run/containers");

  EXPECT_EQ(StatusOf(created), Status::kCreated);
  EXPECT_EQ(StatusOf(ran), Status::kExited);
  EXPECT_FALSE(GetContainer(store(), ran)->exit->code.has_value());
}

TEST_F(ContainersTest, WithoutARecordItIsListedWhileItRuns) {
  const std::string id = Make("bare", 1, {"", true, false});
  Run(id);

  EXPECT_EQ(Names(Which::kAll), std::vector<std::string>{"bare"});
  EXPECT_EQ(Names(Which::kRunning), std::vector<std::string>{"bare"});
  EXPECT_EQ(FindContainer(store(), "bare").value(), id);
}

TEST_F(ContainersTest, OneThatIsBeingMadeIsNotDamaged) {
  const auto pending = Pending::Reserve(store(), {"web", false, true});

  EXPECT_TRUE(Names(Which::kAll).empty());
  EXPECT_EQ(base::ErrorWord(RemoveContainer(store(), pending->id())), "E_STATE");
}

TEST_F(ContainersTest, DamageOfOneStopsNoList) {
  Make("good", 1);
  const std::string bad = Make("bad", 2);
  const std::string path = "state/containers/" + bad + "/record.json";
  for (const std::string& text :
       {std::string(), std::string("{"), std::string(64, '\0'), std::string(2 << 20, ' '),
        Read("state/containers/" + FindContainer(store(), "good").value() + "/record.json")}) {
    Write(path, text);
    const auto list = ListContainers(store(), Which::kAll);
    ASSERT_TRUE(list.ok());
    ASSERT_EQ(list->size(), 2u);
    EXPECT_EQ((*list)[0].record.name, "good");
    EXPECT_TRUE((*list)[0].damage.ok());
    EXPECT_EQ((*list)[1].record.id, bad);
    EXPECT_EQ(base::ErrorWord((*list)[1].damage), "E_CORRUPT") << text;
  }
  Remove(path);
  MakeDir(path);
  EXPECT_EQ(Names(Which::kAll).size(), 2u);
  Remove(path);
  EXPECT_EQ(base::ErrorWord(GetContainer(store(), bad)->damage), "E_CORRUPT");
}

TEST_F(ContainersTest, ADamagedStateIsNotRunning) {
  const std::string id = Make("web", 1);
  Run(id);
  Write("run/containers/" + id + "/state.json", "{\"version\":1");

  const auto view = GetContainer(store(), id);

  EXPECT_EQ(view->status, Status::kExited);
  EXPECT_FALSE(view->exit->code.has_value());
  EXPECT_EQ(base::ErrorWord(view->damage), "E_CORRUPT");
}

TEST_F(ContainersTest, ADamagedExitIsUnknown) {
  const std::string id = Make("web", 1);
  Write("state/containers/" + id + "/exit.json", "[");

  EXPECT_EQ(StatusOf(id), Status::kExited);
  EXPECT_FALSE(GetContainer(store(), id)->exit->code.has_value());
}

TEST_F(ContainersTest, FindsByIdBeginningAndName) {
  const std::string id = Make("web", 1);

  EXPECT_EQ(FindContainer(store(), id).value(), id);
  EXPECT_EQ(FindContainer(store(), id.substr(0, 12)).value(), id);
  EXPECT_EQ(FindContainer(store(), id.substr(0, 1)).value(), id);
  EXPECT_EQ(FindContainer(store(), "web").value(), id);
  for (const std::string& text :
       {std::string(), std::string("we"), std::string("../web"), std::string("WEB"),
        std::string(64, 'g'), std::string(5000, 'a')}) {
    EXPECT_EQ(base::ErrorWord(FindContainer(store(), text).status()), "E_NO_CONTAINER") << text;
  }
}

TEST_F(ContainersTest, AFinderKnowsThoseThatWereThereAndStillAre) {
  std::vector<std::string> ids;
  for (int i = 0; i < 40; ++i) ids.push_back(Make(absl::StrCat("c", i), i));
  ContainerFinder finder(store());
  for (const std::string& id : ids) EXPECT_EQ(finder.Find(id.substr(0, 12)).value(), id);
  EXPECT_EQ(base::ErrorWord(finder.Find("").status()), "E_NO_CONTAINER");

  ASSERT_TRUE(RemoveContainer(store(), ids[7]).ok());
  const std::string late = Make("late", 1);

  EXPECT_EQ(base::ErrorWord(finder.Find(ids[7].substr(0, 12)).status()), "E_NO_CONTAINER");
  EXPECT_EQ(finder.Find("late").value(), late);
  EXPECT_EQ(finder.Find(late).value(), late);
}

TEST_F(ContainersTest, AnAmbiguousBeginningIsRefusedAndANameBeatsIt) {
  std::vector<std::string> ids;
  for (int i = 0; i < 17; ++i) ids.push_back(Make(absl::StrCat("c", i), i));
  std::string shared;
  for (size_t i = 0; i < ids.size(); ++i) {
    for (size_t k = 0; k < i; ++k) {
      if (ids[i][0] == ids[k][0]) shared = ids[i].substr(0, 1);
    }
  }
  ASSERT_FALSE(shared.empty());
  EXPECT_EQ(base::ErrorWord(FindContainer(store(), shared).status()), "E_AMBIGUOUS");

  const std::string named = Make(ids[0].substr(0, 12), 1);
  EXPECT_EQ(FindContainer(store(), ids[0].substr(0, 12)).value(), named);
}

TEST_F(ContainersTest, RemovalLeavesNothing) {
  const std::string id = Make("web", 1);
  Write("state/containers/" + id + "/exit.json", FormatExit(Exit()));
  MakeDir("state/containers/" + id + "/upper");

  ASSERT_TRUE(RemoveContainer(store(), id).ok());

  EXPECT_FALSE(Exists("state/containers/" + id));
  EXPECT_FALSE(Exists("run/containers/" + id));
  EXPECT_FALSE(Exists("state/names/web"));
  EXPECT_FALSE(Exists("state/trash/" + id));
  EXPECT_EQ(base::ErrorWord(RemoveContainer(store(), id)), "E_NO_CONTAINER");
}

// Its watcher, this process, is about to write how it ended.
TEST_F(ContainersTest, OneWhoseEndIsNotWrittenDownIsNotRemoved) {
  const std::string id = Make("web", 1);
  State state = RunningAs(Me());
  state.runner = state.init;
  state.init->start_time += 1;  // no such process any more
  ASSERT_TRUE(Open(id).WriteState(state).ok());

  EXPECT_EQ(GetContainer(store(), id)->status, Status::kRunning);
  EXPECT_EQ(base::ErrorWord(RemoveContainer(store(), id)), "E_RUNNING");
  Remove("run/containers/" + id + "/state.json");
  EXPECT_TRUE(RemoveContainer(store(), id).ok());
}

TEST_F(ContainersTest, ARunningOneIsNotRemoved) {
  const std::string id = Make("web", 1);
  Run(id);

  EXPECT_EQ(base::ErrorWord(RemoveContainer(store(), id)), "E_RUNNING");
  EXPECT_TRUE(Exists("state/names/web"));
}

TEST_F(ContainersTest, AHalfRemovedOneCanBeRemoved) {
  const std::string id = Make("web", 1);
  Remove("state/names/web");
  Remove("run/containers/" + id);
  MakeDir("state/trash/" + id);
  Write("state/trash/" + id + "/x", "x");

  ASSERT_TRUE(RemoveContainer(store(), id).ok());

  EXPECT_FALSE(Exists("state/containers/" + id));
  EXPECT_FALSE(Exists("state/trash/" + id));
}

TEST_F(ContainersTest, ADamagedOneCanBeRemovedWithItsName) {
  const std::string id = Make("web", 1);
  Write("state/containers/" + id + "/record.json", "{");

  ASSERT_TRUE(RemoveContainer(store(), FindContainer(store(), "web").value()).ok());

  EXPECT_FALSE(Exists("state/names/web"));
}

TEST_F(ContainersTest, SomebodyElsesNameIsKept) {
  const std::string id = Make("web", 1);
  Remove("state/names/web");
  const std::string other = Make("web", 2);

  ASSERT_TRUE(RemoveContainer(store(), id).ok());

  EXPECT_EQ(FindContainer(store(), "web").value(), other);
}

TEST_F(ContainersTest, AFileInPlaceOfAFolderCanBeRemoved) {
  const std::string id(64, 'a');
  Write("state/containers/" + id, "x");

  EXPECT_EQ(ListContainers(store(), Which::kAll)->size(), 1u);
  ASSERT_TRUE(RemoveContainer(store(), id).ok());
  EXPECT_FALSE(Exists("state/containers/" + id));
}

}  // namespace
}  // namespace stave::store
