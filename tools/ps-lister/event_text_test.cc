// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-lister/event_text.h"

#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/json/parse.h"

namespace stave::tools {
namespace {

store::Event Event(const std::string& action, std::map<std::string, std::string> attributes = {}) {
  store::Event event;
  event.time = absl::FromUnixNanos(1700000000600000000);
  event.action = action;
  event.id = "4f2a";
  event.name = "web";
  event.attributes = std::move(attributes);
  return event;
}

Message Told(const std::string& action, std::map<std::string, std::string> attributes = {}) {
  return MessageOf(Event(action, std::move(attributes)), "alpine:3", {{"tier", "front"}});
}

bool Takes(const std::vector<std::string>& filters, const Message& message) {
  const auto filter = EventFilter::Parse(filters);
  EXPECT_TRUE(filter.ok()) << filter.status();
  return filter.ok() && filter->Takes(message);
}

TEST(MessageTest, IsALineOfDockers) {
  EXPECT_EQ(MessageLine(Told("die", {{"exitCode", "0"}}), absl::UTCTimeZone()),
            "2023-11-14T22:13:20.600000000Z container die 4f2a "
            "(exitCode=0, image=alpine:3, name=web, tier=front)");
  EXPECT_EQ(MessageLine(MessageOf(Event("start"), "", {}), absl::FixedTimeZone(9 * 3600)),
            "2023-11-15T07:13:20.600000000+09:00 container start 4f2a (name=web)");
}

TEST(MessageTest, SomeActionsSayMore) {
  EXPECT_EQ(Told("health_status", {{"health", "healthy"}}).action, "health_status: healthy");
  EXPECT_EQ(Told("exec_start", {{"command", "sh"}, {"pid", "7"}}).action, "exec_start: sh");
  EXPECT_EQ(Told("rename", {{"oldName", "db"}}).attributes.at("oldName"), "/db");
}

TEST(MessageTest, IsDockersJson) {
  EXPECT_EQ(json::Print(MessageJson(Told("start"))),
            R"({"status":"start","id":"4f2a","from":"alpine:3","Type":"container",)"
            R"("Action":"start","Actor":{"ID":"4f2a","Attributes":{"image":"alpine:3",)"
            R"("name":"web","tier":"front"}},"scope":"local","time":1700000000,)"
            R"("timeNano":1700000000600000000})");
  EXPECT_EQ(MessageObject(Told("start")).Find("From")->text(), "alpine:3");
}

TEST(EventFilterTest, Takes) {
  EXPECT_TRUE(Takes({}, Told("start")));
  EXPECT_TRUE(Takes({"event=die", "event=start"}, Told("start")));
  EXPECT_FALSE(Takes({"event=die"}, Told("start")));
  EXPECT_TRUE(Takes({"event=health_status"}, Told("health_status", {{"health", "healthy"}})));
  EXPECT_TRUE(
      Takes({"event=health_status: healthy"}, Told("health_status", {{"health", "healthy"}})));
  EXPECT_FALSE(
      Takes({"event=health_status: unhealthy"}, Told("health_status", {{"health", "healthy"}})));
  EXPECT_TRUE(Takes({"container=we"}, Told("start")));
  EXPECT_TRUE(Takes({"container=4f"}, Told("start")));
  EXPECT_FALSE(Takes({"container=eb"}, Told("start")));
  EXPECT_FALSE(Takes({"volume=x"}, Told("start")));
  EXPECT_TRUE(Takes({"type=container", "scope=local"}, Told("start")));
  EXPECT_FALSE(Takes({"type=image"}, Told("start")));
  EXPECT_TRUE(Takes({"image=alpine:3"}, Told("start")));
  EXPECT_TRUE(Takes({"image=alpine"}, Told("start")));
  EXPECT_FALSE(Takes({"image=alp"}, Told("start")));
  EXPECT_TRUE(Takes({"label=tier"}, Told("start")));
  EXPECT_FALSE(Takes({"label=tier", "label=x"}, Told("start")));
}

TEST(EventFilterTest, Refuses) {
  EXPECT_EQ(EventFilter::Parse({"nope=1"}).status().message(), "invalid filter 'nope'");
  EXPECT_EQ(EventFilter::Parse({"event"}).status().message(),
            "bad format of filter (expected name=value)");
}

}  // namespace
}  // namespace stave::tools
