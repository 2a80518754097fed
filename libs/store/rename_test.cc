// SPDX-License-Identifier: Apache-2.0
#include "libs/store/rename.h"

#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/store/container.h"
#include "libs/store/containers.h"
#include "libs/store/event_reader.h"
#include "libs/store/events.h"
#include "libs/store/folder.h"
#include "libs/store/name_link.h"
#include "libs/store/pending.h"
#include "libs/store/test_store.h"

namespace stave::store {
namespace {

class RenameTest : public StoreTest {
 protected:
  std::string Make(const std::string& name) {
    auto pending = Pending::Reserve(store(), {.name = name});
    EXPECT_TRUE(pending.ok()) << pending.status();
    Record record;
    record.id = pending->id();
    record.name = name;
    record.created = absl::UnixEpoch();
    const std::string config =
        absl::StrCat("{\"x\":1.50,\"stave\":{\"version\":1,\"name\":\"", name, "\"},\"y\":2}");
    EXPECT_TRUE(pending->container().WriteConfig(config).ok());
    EXPECT_TRUE(pending->container().WriteRecord(record).ok());
    EXPECT_TRUE(pending->Done().ok());
    return pending->id();
  }
  std::string Word(absl::string_view from, const std::string& to) {
    return base::ErrorWord(RenameContainer(store(), from, to).status());
  }
};

TEST_F(RenameTest, ChangesNameRecordAndConfig) {
  const std::string id = Make("old");

  const auto before = RenameContainer(store(), "old", "new");

  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_EQ(*before, "old");
  EXPECT_EQ(*FindContainer(store(), "new"), id);
  EXPECT_EQ(base::ErrorWord(FindContainer(store(), "old").status()), "E_NO_CONTAINER");
  EXPECT_EQ(GetContainer(store(), id)->record.name, "new");
  EXPECT_EQ(*Container::Open(store(), id)->ReadConfig(),
            "{\"x\":1.50,\"stave\":{\"version\":1,\"name\":\"new\"},\"y\":2}");
  const auto event =
      ParseEvent(EventReader::Open(store(), EventReader::From::kOldest)->Next().value_or(""));
  ASSERT_TRUE(event.ok());
  EXPECT_EQ(event->action, "rename");
  EXPECT_EQ(event->attributes.at("oldName"), "old");
  Make("old");  // is free again
}

TEST_F(RenameTest, RefusesWhatDockerRefuses) {
  const std::string id = Make("web");
  Make("db");

  EXPECT_EQ(Word("web", "db"), "E_NAME_TAKEN");
  EXPECT_EQ(Word("web", "web"), "E_NAME");
  EXPECT_EQ(Word("web", "a b"), "E_NAME");
  EXPECT_EQ(Word("nope", "x1"), "E_NO_CONTAINER");
  EXPECT_EQ(GetContainer(store(), id)->record.name, "web");
  EXPECT_EQ(ListFolder(store().state(), "names")->size(), 2u);
}

TEST_F(RenameTest, OneThatIsBeingMadeIsLeftAlone) {
  auto pending = Pending::Reserve(store(), {.name = "web"});
  ASSERT_TRUE(pending.ok());
  EXPECT_EQ(Word("web", "new"), "E_STATE");
}

TEST_F(RenameTest, ADamagedRecordKeepsItsName) {
  const std::string id = Make("web");
  Write("state/containers/" + id + "/record.json", "{");
  EXPECT_EQ(Word("web", "new"), "E_CORRUPT");
  EXPECT_EQ(IdOfName(store(), "web"), id);
  EXPECT_EQ(IdOfName(store(), "new"), std::nullopt);
}

TEST_F(RenameTest, ADamagedConfigKeepsTheName) {
  const std::string id = Make("web");
  Write("state/containers/" + id + "/config.json", "{");
  EXPECT_EQ(Word("web", "new"), "E_CORRUPT");
  EXPECT_EQ(GetContainer(store(), id)->record.name, "web");
  EXPECT_EQ(IdOfName(store(), "new"), std::nullopt);
}

TEST_F(RenameTest, FinishesWhatAKilledOneLeft) {
  const std::string id = Make("old");
  ASSERT_TRUE(ReserveName(store(), "new", id).ok());
  ASSERT_TRUE(RenameContainer(store(), id, "new").ok());
  EXPECT_EQ(IdOfName(store(), "old"), std::nullopt);
  EXPECT_EQ(GetContainer(store(), id)->record.name, "new");
}

TEST_F(RenameTest, OfManyWhoWantOneNameOneGetsIt) {
  constexpr int kRacers = 16;
  std::vector<std::string> ids;
  for (int i = 0; i < kRacers; ++i) ids.push_back(Make(absl::StrCat("racer", i)));
  std::vector<pid_t> children;
  for (int i = 0; i < kRacers; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::_exit(RenameContainer(store(), absl::StrCat("racer", i), "prize").ok() ? 0 : 1);
    }
    children.push_back(child);
  }
  int won = 0;
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    won += status == 0 ? 1 : 0;
  }
  EXPECT_EQ(won, 1);
  EXPECT_EQ(ListFolder(store().state(), "names")->size(), static_cast<size_t>(kRacers));
  const std::string winner = *FindContainer(store(), "prize");
  EXPECT_EQ(GetContainer(store(), winner)->record.name, "prize");
}

// All of one container at once, each to another name: in the end it has one.
TEST_F(RenameTest, ManyNamesForOneContainerLeaveOne) {
  const std::string id = Make("start");
  std::vector<pid_t> children;
  for (int i = 0; i < 16; ++i) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(RenameContainer(store(), id, absl::StrCat("name", i)).ok() ? 0 : 1);
    children.push_back(child);
  }
  for (const pid_t child : children) ::waitpid(child, nullptr, 0);
  const auto names = ListFolder(store().state(), "names");
  ASSERT_EQ(names->size(), 1u);
  EXPECT_EQ(GetContainer(store(), id)->record.name, (*names)[0]);
}

}  // namespace
}  // namespace stave::store
