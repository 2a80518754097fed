// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/exec_session.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/store/store.h"
#include "libs/testutil/temp_dir.h"

namespace stave::runtime {
namespace {

using ::testing::HasSubstr;

constexpr char kId[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

ExecWishes Wishes() {
  ExecWishes wishes;
  wishes.args = {"true"};
  return wishes;
}

TEST(CheckExecTest, FormsAreChecked) {
  const auto refused = [](void (*change)(ExecWishes*)) {
    ExecWishes wishes = Wishes();
    change(&wishes);
    return std::string(CheckExec(wishes).message());
  };

  EXPECT_TRUE(CheckExec(Wishes()).ok());
  EXPECT_THAT(refused([](ExecWishes* w) { w->args = {}; }), HasSubstr("command"));
  EXPECT_THAT(refused([](ExecWishes* w) { w->args = {""}; }), HasSubstr("empty"));
  EXPECT_THAT(refused([](ExecWishes* w) { w->user = ""; }), HasSubstr("--user"));
  EXPECT_THAT(refused([](ExecWishes* w) { w->user = "a:b:c"; }), HasSubstr("--user"));
  EXPECT_THAT(refused([](ExecWishes* w) { w->workdir = "tmp"; }), HasSubstr("--workdir"));
  EXPECT_THAT(refused([](ExecWishes* w) { w->env = {"=x"}; }), HasSubstr("--env"));
}

class ExecInContainerTest : public ::testing::Test {
 protected:
  ExecInContainerTest()
      : store_(*store::Store::OpenRoots({dir_.path() + "/state", dir_.path() + "/run"},
                                        store::Access::kWrite)) {}

  absl::Status Exec() { return ExecInContainer(store_, kId, Wishes()).status(); }

  testutil::TempDir dir_;
  store::Store store_;
};

TEST_F(ExecInContainerTest, NoneOfThatNameIsTold) {
  EXPECT_EQ(base::ErrorWord(Exec()), "E_NO_CONTAINER");
}

TEST_F(ExecInContainerTest, OneThatHasEndedIsTold) {
  const std::string home = std::string("state/containers/") + kId;
  dir_.Mkdir(home);
  dir_.Put(home + "/record.json",
           std::string(R"({"version":1,"id":")") + kId +
               R"(","name":"web","image":"i","imageDigest":"","command":[],)" +
               R"("created":"2026-01-02T03:04:05Z","labels":{},"rm":false,"started":true})");

  const absl::Status status = Exec();

  EXPECT_EQ(base::ErrorWord(status), "E_NOT_RUNNING");
  EXPECT_THAT(std::string(status.message()), HasSubstr("is not running"));
}

TEST_F(ExecInContainerTest, AStateThatIsDamagedIsTold) {
  dir_.Mkdir(std::string("state/containers/") + kId);
  dir_.Mkdir(std::string("run/containers/") + kId);
  dir_.Put(std::string("run/containers/") + kId + "/state.json", "{");

  EXPECT_EQ(base::ErrorWord(Exec()), "E_CORRUPT");
}

}  // namespace
}  // namespace stave::runtime
