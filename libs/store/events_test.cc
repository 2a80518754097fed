// SPDX-License-Identifier: Apache-2.0
#include "libs/store/events.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/unique_fd.h"
#include "libs/store/event_reader.h"
#include "libs/store/test_store.h"

namespace stave::store {
namespace {

using EventsTest = StoreTest;

Event Example() {
  Event event;
  event.time = absl::FromUnixNanos(1700000000600000000);
  event.action = "die";
  event.id = std::string(64, 'a');
  event.name = "web";
  event.attributes = {{"exitCode", "137"}};
  return event;
}

void Fill(int run, size_t bytes) {
  const base::UniqueFd fd(
      ::openat(run, kEventsFile, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  std::string text(bytes, 'x');
  for (size_t i = 99; i < text.size(); i += 100) text[i] = '\n';
  text.back() = '\n';
  ASSERT_TRUE(base::WriteAll(fd.get(), text, "events").ok());
}

TEST(EventTest, IsWhatTheHeaderShows) {
  EXPECT_EQ(
      FormatEvent(Example()),
      "{\"time\":\"2023-11-14T22:13:20.6Z\",\"type\":\"container\",\"action\":\"die\",\"id\":\"" +
          std::string(64, 'a') + "\",\"name\":\"web\",\"attributes\":{\"exitCode\":\"137\"}}");
}

TEST(EventTest, GoesThereAndBack) {
  const auto event = ParseEvent(FormatEvent(Example()));

  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->time, Example().time);
  EXPECT_EQ(event->action, "die");
  EXPECT_EQ(event->attributes.at("exitCode"), "137");
}

TEST(EventTest, ACommandLineMayBeAnything) {
  Event event = Example();
  event.attributes = {{"command", "a\xFFz"}};

  const auto read = ParseEvent(FormatEvent(event));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->attributes.at("command"), "a\xEF\xBF\xBDz");
}

TEST(EventTest, SurvivesDamage) {
  const std::string text = FormatEvent(Example());
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(base::ErrorWord(ParseEvent(text.substr(0, size)).status()), "E_CORRUPT") << size;
  }
  for (size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = '\0';
    EXPECT_FALSE(ParseEvent(changed).ok()) << at;
  }
  for (const char* other : {"", "null", "[]", "{}", "7", "{\"time\":\"infinite-future\"}"}) {
    EXPECT_EQ(base::ErrorWord(ParseEvent(other).status()), "E_CORRUPT") << other;
  }
}

TEST_F(EventsTest, AreReadInTheirOrder) {
  AppendEvent(store(), Example());
  AppendEvent(store(), "destroy", std::string(64, 'b'), "db");

  auto reader = EventReader::Open(store(), EventReader::From::kOldest);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ(reader->Next(), FormatEvent(Example()));
  const auto second = ParseEvent(reader->Next().value_or(""));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->action, "destroy");
  EXPECT_GT(second->time, absl::UnixEpoch());
  EXPECT_FALSE(reader->Next().has_value());
}

TEST_F(EventsTest, AFollowerIsToldOfThoseThatComeLater) {
  AppendEvent(store(), "start", std::string(64, 'a'), "web");
  auto reader = EventReader::Open(store(), EventReader::From::kNow);
  ASSERT_TRUE(reader.ok());
  EXPECT_FALSE(reader->Next().has_value());
  pollfd ready{reader->fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&ready, 1, 0), 0);

  AppendEvent(store(), Example());
  EXPECT_EQ(::poll(&ready, 1, -1), 1);
  EXPECT_EQ(reader->Next(), FormatEvent(Example()));
  EXPECT_FALSE(reader->Next().has_value());
  EXPECT_EQ(::poll(&ready, 1, 0), 0);
}

TEST_F(EventsTest, ALargeFileIsRenamedAndFollowed) {
  auto reader = EventReader::Open(store(), EventReader::From::kNow);
  ASSERT_TRUE(reader.ok());
  Fill(store().run(), kMaxEventBytes);
  AppendEvent(store(), "last", "", "");
  EXPECT_FALSE(Exists("run/events.json"));
  EXPECT_TRUE(Exists("run/events.json.1"));
  AppendEvent(store(), "first", "", "");

  size_t lines = 0;
  std::string last;
  while (const std::optional<std::string> line = reader->Next()) {
    ++lines;
    last = *line;
  }
  EXPECT_EQ(lines, (static_cast<size_t>(kMaxEventBytes) + 99) / 100 + 2);
  EXPECT_EQ(ParseEvent(last)->action, "first");

  auto all = EventReader::Open(store(), EventReader::From::kOldest);
  size_t found = 0;
  while (all->Next().has_value()) ++found;
  EXPECT_EQ(found, lines);
}

TEST_F(EventsTest, ALineThatWasCutOffDoesNotTakeTheNextWithIt) {
  Write("run/events.json", "{\"time\":");
  AppendEvent(store(), Example());
  auto reader = EventReader::Open(store(), EventReader::From::kOldest);
  EXPECT_EQ(reader->Next(), "{\"time\":");
  EXPECT_EQ(reader->Next(), FormatEvent(Example()));
}

TEST_F(EventsTest, AWriterThatIsStoppedKeepsNobody) {
  AppendEvent(store(), Example());
  const base::UniqueFd held(::openat(store().run(), kEventsFile, O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::flock(held.get(), LOCK_EX), 0);
  AppendEvent(store(), Example());
  auto reader = EventReader::Open(store(), EventReader::From::kOldest);
  EXPECT_TRUE(reader->Next().has_value());
  EXPECT_TRUE(reader->Next().has_value());
}

TEST_F(EventsTest, WhatCannotBeWrittenIsNoError) {
  MakeDir("run/events.json");
  AppendEvent(store(), Example());
  const auto none = Store::OpenRoots({folder() + "/x", folder() + "/y"}, Access::kRead);
  AppendEvent(*none, Example());
  EXPECT_EQ(base::ErrorWord(EventReader::Open(*none, EventReader::From::kNow).status()),
            "E_NOT_FOUND");
  auto reader = EventReader::Open(store(), EventReader::From::kOldest);
  EXPECT_FALSE(reader->Next().has_value());
}

TEST_F(EventsTest, ALongOneLosesItsAttributesAndALongLineIsPassedOver) {
  Write("run/events.json", std::string(3 * kMaxEventLine, 'x') + "\n");
  Event event = Example();
  event.attributes["label"] = std::string(kMaxEventLine, 'y');
  AppendEvent(store(), event);
  auto reader = EventReader::Open(store(), EventReader::From::kOldest);
  const auto read = ParseEvent(reader->Next().value_or(""));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(read->attributes.empty());
}

// Four writers at once, with lines so long that the file is renamed meanwhile: one that follows
// sees each of them, whole and once.
TEST_F(EventsTest, NoneIsLostOrTornWhileManyWrite) {
  constexpr int kWriters = 4;
  constexpr int kEach = 300;
  auto reader = EventReader::Open(store(), EventReader::From::kNow);
  ASSERT_TRUE(reader.ok());
  std::vector<pid_t> children;
  for (int writer = 0; writer < kWriters; ++writer) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (int i = 0; i < kEach; ++i) {
        AppendEvent(store(), "start", absl::StrCat(writer, "-", i), "",
                    {{"long", std::string(5000, 'z')}});
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  std::set<std::string> seen;
  while (seen.size() < kWriters * kEach) {
    const std::optional<std::string> line = reader->Next();
    if (!line.has_value()) {
      pollfd ready{reader->fd(), POLLIN, 0};
      ASSERT_EQ(::poll(&ready, 1, 20000), 1) << seen.size();
      continue;
    }
    const auto event = ParseEvent(*line);
    ASSERT_TRUE(event.ok()) << event.status();
    EXPECT_TRUE(seen.insert(event->id).second);
  }
  for (const pid_t child : children) ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(Exists("run/events.json.1"));
}

}  // namespace
}  // namespace stave::store
