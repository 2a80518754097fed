// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/exec_process.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/json/parse.h"

namespace stave::runtime {
namespace {

using ::testing::HasSubstr;

constexpr char kConfig[] = R"({"ociVersion":"1.2.0","process":{"args":["httpd"],"terminal":true,
  "consoleSize":{"height":1,"width":2},"cwd":"/srv","env":["PATH=/bin","HOME=/root","A=1"],
  "user":{"uid":0,"gid":0,"umask":18,"additionalGids":[0]},"noNewPrivileges":true,
  "apparmorProfile":"own","rlimits":[{"type":"RLIMIT_CORE","soft":0,"hard":0}],
  "capabilities":{"bounding":["CAP_CHOWN"],"effective":["CAP_CHOWN"],"permitted":["CAP_CHOWN"]}}})";

class ExecProcessTest : public ::testing::Test {
 protected:
  ExecProcessTest() { changes_.args = {"sh", "-c", ":"}; }

  void Make() {
    const auto made = ExecProcess(*json::Parse(kConfig), changes_);
    ASSERT_TRUE(made.ok()) << made.status();
    process_ = *made;
  }
  std::string At(std::initializer_list<absl::string_view> path) {
    const json::Value* value = process_.Find(path);
    return value == nullptr ? "absent" : json::Print(*value);
  }

  ExecChanges changes_;
  json::Value process_;
};

TEST_F(ExecProcessTest, TakesOverWhatIsNotChanged) {
  Make();

  EXPECT_EQ(At({"args"}), R"(["sh","-c",":"])");
  EXPECT_EQ(At({"cwd"}), R"("/srv")");
  EXPECT_EQ(At({"env"}), R"(["PATH=/bin","HOME=/root","A=1"])");
  EXPECT_EQ(At({"user", "umask"}), "18");
  EXPECT_EQ(At({"noNewPrivileges"}), "true");
  EXPECT_EQ(At({"apparmorProfile"}), R"("own")");
  EXPECT_THAT(At({"rlimits"}), HasSubstr("RLIMIT_CORE"));
  EXPECT_EQ(At({"capabilities", "effective"}), R"(["CAP_CHOWN"])");
}

TEST_F(ExecProcessTest, ATerminalIsItsOwn) {
  Make();
  EXPECT_EQ(At({"terminal"}), "false");
  EXPECT_EQ(At({"consoleSize"}), "absent");

  changes_.terminal = true;
  Make();
  EXPECT_EQ(At({"terminal"}), "true");
  EXPECT_THAT(At({"env"}), HasSubstr("\"TERM=xterm\""));

  changes_.env = {"TERM=vt100"};
  Make();
  EXPECT_EQ(At({"env"}), R"(["PATH=/bin","HOME=/root","A=1","TERM=vt100"])");
}

TEST_F(ExecProcessTest, VariablesAreSetReplacedAndTakenAway) {
  changes_.env = {"A=2", "B=x=y", "HOME", "NONE", "B=z"};
  changes_.workdir = "/tmp";

  Make();

  EXPECT_EQ(At({"env"}), R"(["PATH=/bin","A=2","B=z"])");
  EXPECT_EQ(At({"cwd"}), R"("/tmp")");
}

TEST_F(ExecProcessTest, AnotherUserHasItsHomeAndStartsWithoutCapabilities) {
  UserChange& user = changes_.user.emplace();
  user.before.home = "/root";
  user.after.uid = 1000;
  user.after.gid = 1001;
  user.after.additional_gids = {1001, 2000};
  user.after.home = "/home/user";

  Make();

  EXPECT_EQ(At({"user"}), R"({"uid":1000,"gid":1001,"umask":18,"additionalGids":[1001,2000]})");
  EXPECT_EQ(At({"env"}), R"(["PATH=/bin","A=1","HOME=/home/user"])");
  EXPECT_EQ(At({"capabilities"}), R"({"bounding":["CAP_CHOWN"],"effective":[],"permitted":[]})");
}

TEST_F(ExecProcessTest, AHomeThatIsNotTheUsersStays) {
  UserChange& user = changes_.user.emplace();
  user.before.home = "/nonexistent";
  user.after.home = "/home/user";

  Make();

  EXPECT_THAT(At({"env"}), HasSubstr("\"HOME=/root\""));
}

TEST_F(ExecProcessTest, PrivilegedIsCapabilitiesAndNoProfile) {
  changes_.capabilities = {"CAP_CHOWN", "CAP_SYS_ADMIN"};

  Make();

  EXPECT_EQ(At({"capabilities", "effective"}), R"(["CAP_CHOWN","CAP_SYS_ADMIN"])");
  EXPECT_EQ(At({"apparmorProfile"}), "absent");
  EXPECT_EQ(At({"noNewPrivileges"}), "true");
}

TEST_F(ExecProcessTest, AConfigWithoutAProcessGivesOneAllTheSame) {
  const auto made = ExecProcess(*json::Parse("{}"), changes_);

  EXPECT_EQ(json::Print(*made), R"({"args":["sh","-c",":"],"terminal":false})");
}

}  // namespace
}  // namespace stave::runtime
