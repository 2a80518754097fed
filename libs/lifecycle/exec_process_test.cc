// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/exec_process.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/json/parse.h"

namespace stave::lifecycle {
namespace {

json::Value Own() {
  return json::Parse(R"({"terminal":true,"consoleSize":{"height":1,"width":2},
      "user":{"uid":5,"gid":6,"umask":18,"additionalGids":[7]},
      "args":["sh"],"env":["PATH=/bin","A=1"],"cwd":"/w",
      "capabilities":{"bounding":["CAP_KILL"],"permitted":["CAP_KILL"]},
      "rlimits":[{"type":"RLIMIT_CORE","soft":0,"hard":0}],"noNewPrivileges":true})")
      .value();
}

ProcessChanges Changes() {
  ProcessChanges changes;
  changes.args = {"id", "-u"};
  return changes;
}

TEST(ChangedProcessTest, ReplacesArgsAndTerminalOnly) {
  const auto process = ChangedProcess(Own(), Changes());

  ASSERT_TRUE(process.ok()) << process.status();
  json::Value expected = Own();
  expected.Set("args", json::Value::Strings({"id", "-u"}));
  expected.Set("terminal", json::Value::Bool(false));
  expected.Remove("consoleSize");
  EXPECT_EQ(json::Print(*process), json::Print(expected));
}

TEST(ChangedProcessTest, WantsACommand) {
  EXPECT_EQ(ChangedProcess(Own(), ProcessChanges()).status().message(),
            "process args cannot be empty");
}

TEST(ChangedProcessTest, EnvironmentReplacesByName) {
  ProcessChanges changes = Changes();
  changes.env = {"A=2", "B=", "B=x=y"};

  const auto process = ChangedProcess(Own(), changes);

  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_EQ(json::Print(*process->Find("env")), R"(["PATH=/bin","A=2","B=x=y"])");
}

TEST(ChangedProcessTest, RefusesAnEnvironmentWithoutAName) {
  for (const char* assignment : {"A", "=x", ""}) {
    ProcessChanges changes = Changes();
    changes.env = {assignment};
    EXPECT_EQ(base::ErrorWord(ChangedProcess(Own(), changes).status()), "E_USAGE") << assignment;
  }
}

TEST(ChangedProcessTest, UserIsNumbers) {
  ProcessChanges changes = Changes();
  changes.user = "1000";
  changes.additional_gids = {"8"};

  auto process = ChangedProcess(Own(), changes);

  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_EQ(json::Print(*process->Find("user")),
            R"({"uid":1000,"gid":0,"umask":18,"additionalGids":[7,8]})");
  changes.user = "1:2";
  process = ChangedProcess(Own(), changes);
  EXPECT_EQ(process->Find({"user", "gid"})->text(), "2");
}

TEST(ChangedProcessTest, RefusesOtherUsers) {
  for (const char* user :
       {"", "root", "1:", ":1", "1:2:3", "-1", "4294967295", "99999999999", " 1", "0x1"}) {
    ProcessChanges changes = Changes();
    changes.user = user;
    EXPECT_EQ(base::ErrorWord(ChangedProcess(Own(), changes).status()), "E_USAGE") << user;
  }
}

TEST(ChangedProcessTest, CapabilitiesAreAddedOnce) {
  ProcessChanges changes = Changes();
  changes.capabilities = {"CAP_KILL", "CAP_CHOWN"};

  const auto process = ChangedProcess(Own(), changes);

  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_EQ(json::Print(*process->Find({"capabilities", "bounding"})),
            R"(["CAP_KILL","CAP_CHOWN"])");
  EXPECT_EQ(json::Print(*process->Find({"capabilities", "effective"})),
            R"(["CAP_KILL","CAP_CHOWN"])");
}

TEST(CompletedProcessTest, TakesTheConfigsBounds) {
  const auto given = json::Parse(R"({"args":["true"],"cwd":"/","user":{"uid":0,"gid":0},
      "rlimits":[],"noNewPrivileges":false})");

  const json::Value process = CompletedProcess(Own(), *given);

  EXPECT_EQ(*process.Find("capabilities"), *Own().Find("capabilities"));
  EXPECT_EQ(*process.Find("rlimits"), *Own().Find("rlimits"));
  EXPECT_FALSE(process.Find("noNewPrivileges")->boolean());
  EXPECT_EQ(process.Find("env"), nullptr);
}

TEST(CompletedProcessTest, LeavesWhatIsGiven) {
  const auto given = json::Parse(R"({"args":["true"],"capabilities":{}})");

  EXPECT_TRUE(CompletedProcess(Own(), *given).Find("capabilities")->members().empty());
}

}  // namespace
}  // namespace stave::lifecycle
