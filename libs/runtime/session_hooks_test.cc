// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/session_hooks.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/unique_fd.h"
#include "libs/json/parse.h"

namespace stave::runtime {
namespace {

Hook Exits(const std::string& code) {
  Hook hook;
  hook.path = "/bin/sh";
  hook.args = {"sh", "-c", "exit " + code};
  return hook;
}

class SessionHooksTest : public testing::Test {
 protected:
  SessionHooks Make(const std::string& document) {
    return SessionHooks(plan_, *json::Parse(document), {"4f0c", "/state/4f0c", run_, run_fd_.get()},
                        [this](const std::string& text) { warnings_.push_back(text); });
  }

  Plan plan_;
  LaunchRequest request_;
  std::string run_ = testing::TempDir();
  base::UniqueFd run_fd_{::open(run_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  std::vector<std::string> warnings_;
};

TEST_F(SessionHooksTest, StateIsThatOfTheSpecification) {
  plan_.root_path = "/over/there";

  EXPECT_EQ(Make(R"({"ociVersion":"1.2.0","annotations":{"a":"b"}})").State("creating", 7),
            R"({"ociVersion":"1.2.0","id":"4f0c","status":"creating","pid":7,)"
            R"("bundle":"/state/4f0c","rootfs":"/over/there","annotations":{"a":"b"}})");
}

TEST_F(SessionHooksTest, ADocumentWithoutHooksTakesNothing) {
  SessionHooks hooks = Make("{}");

  ASSERT_TRUE(hooks.AddTo(&request_).ok());

  EXPECT_FALSE(request_.created);
  EXPECT_EQ(request_.root_path, "");
  EXPECT_TRUE(request_.state);  // for a listener
  EXPECT_TRUE(hooks.TellRunning(1).ok());
  hooks.TellGone();
}

TEST_F(SessionHooksTest, MakesAPlaceForTheRootThatHooksSee) {
  plan_.hooks.create_container = {Exits("0")};
  SessionHooks hooks = Make("{}");

  ASSERT_TRUE(hooks.AddTo(&request_).ok());

  EXPECT_EQ(request_.root_path, run_ + "/rootfs");
  EXPECT_EQ(::rmdir(request_.root_path.c_str()), 0);
}

TEST_F(SessionHooksTest, ARootThatIsGivenIsItsOwnPlace) {
  plan_.root_path = run_;
  plan_.hooks.prestart = {Exits("0")};
  SessionHooks hooks = Make("{}");

  ASSERT_TRUE(hooks.AddTo(&request_).ok());

  EXPECT_EQ(request_.root_path, run_);
}

TEST_F(SessionHooksTest, PoststopIsForWhatHadAnEnvironment) {
  plan_.hooks.poststop = {Exits("1")};
  SessionHooks hooks = Make("{}");
  ASSERT_TRUE(hooks.AddTo(&request_).ok());

  hooks.TellGone();
  EXPECT_EQ(warnings_.size(), 0u);

  ASSERT_TRUE(request_.created(1).ok());
  hooks.TellGone();
  EXPECT_EQ(warnings_.size(), 1u);
}

TEST_F(SessionHooksTest, PrestartAndCreateRuntimeEndTheLaunch) {
  plan_.hooks.prestart = {Exits("0")};
  plan_.hooks.create_runtime = {Exits("2")};
  plan_.root_path = run_;
  SessionHooks hooks = Make("{}");
  ASSERT_TRUE(hooks.AddTo(&request_).ok());

  EXPECT_EQ(request_.created(1).message(), "/hooks/createRuntime/0: /bin/sh: exit status 2");
}

TEST_F(SessionHooksTest, PoststartGoesByTheVersion) {
  plan_.hooks.poststart = {Exits("1")};

  EXPECT_TRUE(Make(R"({"ociVersion":"1.2.0"})").TellRunning(1).ok());
  EXPECT_EQ(warnings_.size(), 1u);
  EXPECT_EQ(base::ErrorWord(Make(R"({"ociVersion":"1.3.0"})").TellRunning(1)), "E_HOOK");
}

}  // namespace
}  // namespace stave::runtime
