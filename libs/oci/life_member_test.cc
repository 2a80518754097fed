// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/life_member.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/json/parse.h"

namespace stave::oci {
namespace {

absl::StatusOr<Life> LifeOf(absl::string_view text) { return GetLife(*json::Parse(text)); }

TEST(LifeMemberTest, WhatIsAbsentIsAsDockerHasIt) {
  const auto life = LifeOf("{}");
  ASSERT_TRUE(life.ok()) << life.status();
  EXPECT_EQ(life->restart.policy, RestartPolicy::kNo);
  EXPECT_EQ(life->log.driver, "json-file");
  EXPECT_EQ(life->log.max_file, 3);
  EXPECT_FALSE(life->health.enabled());
  EXPECT_FALSE(life->stop.timeout.has_value());
}

TEST(LifeMemberTest, TheImagesWordsHoldUnlessTheDocumentSaysOtherwise) {
  const std::string image =
      R"("image":{"stopSignal":"SIGQUIT","healthcheck":{"Test":["CMD","a"],"Interval":2000000000,)"
      R"("Retries":7}})";
  auto life = LifeOf("{\"stave\":{" + image + "}}");
  ASSERT_TRUE(life.ok()) << life.status();
  EXPECT_EQ(life->stop.signal, "SIGQUIT");
  EXPECT_EQ(life->health.interval, absl::Seconds(2));
  EXPECT_EQ(life->health.retries, 7);
  EXPECT_TRUE(life->health.enabled());
  life = LifeOf("{\"stave\":{" + image +
                R"(,"life":{"stop":{"signal":"9"},"health":{"test":["NONE"],"interval":5}}}})");
  EXPECT_EQ(life->stop.signal, "9");
  EXPECT_EQ(life->health.interval, absl::Milliseconds(5));
  EXPECT_EQ(life->health.retries, 7);
  EXPECT_FALSE(life->health.enabled());
}

TEST(LifeMemberTest, WhatIsSetIsRead) {
  json::Value document = json::Value::Object();
  SetInteractive(true, &document);
  SetInit(true, &document);
  SetRestart({RestartPolicy::kOnFailure, 3}, &document);
  SetStopSignal("INT", &document);
  SetStopTimeout(-1, &document);
  SetLog({"journald", -1, 5, "t"}, &document);
  Health health;
  health.test = {"CMD", "x"};
  health.start_period = absl::Seconds(9);
  SetHealth(health, &document);
  const auto life = LifeOf(json::Print(document));
  ASSERT_TRUE(life.ok()) << life.status();
  EXPECT_TRUE(life->interactive && life->init);
  EXPECT_EQ(FormatRestart(life->restart), "on-failure:3");
  EXPECT_EQ(life->stop.signal, "INT");
  EXPECT_EQ(life->stop.timeout, -1);
  EXPECT_EQ(life->log.driver, "journald");
  EXPECT_EQ(life->log.max_size, -1);
  EXPECT_EQ(life->log.tag, "t");
  EXPECT_EQ(life->health.test, health.test);
  EXPECT_EQ(life->health.start_period, absl::Seconds(9));
}

TEST(LifeMemberTest, WhatIsRefusedIsNamed) {
  const std::pair<const char*, const char*> wrong[] = {
      {R"({"restart":{"policy":"often"}})",
       "/stave/life/restart/policy: is not no, on-failure, always or unless-stopped"},
      {R"({"log":{"driver":"syslog"}})",
       "/stave/life/log/driver: is not json-file, none or journald"},
      {R"({"log":{"maxSize":10}})", "/stave/life/log/maxSize: is less than 4096 bytes"},
      {R"({"init":1})", "/stave/life/init: is a number, not a boolean"},
  };
  for (const auto& [life, message] : wrong) {
    EXPECT_EQ(LifeOf(std::string(R"({"stave":{"life":)") + life + "}}").status().message(),
              message);
  }
  EXPECT_FALSE(LifeOf(R"({"stave":{"life":[]}})").ok());
}

TEST(LifeMemberTest, RestartPoliciesAsTheyAreTyped) {
  for (const char* text : {"no", "on-failure", "on-failure:4", "always", "unless-stopped"}) {
    const auto restart = ParseRestart(text);
    ASSERT_TRUE(restart.ok()) << text;
    EXPECT_EQ(FormatRestart(*restart), text);
  }
  for (const char* text : {"", "sometimes", "always:3", "on-failure:", "on-failure:x"}) {
    EXPECT_FALSE(ParseRestart(text).ok()) << text;
  }
}

}  // namespace
}  // namespace stave::oci
