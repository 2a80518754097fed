// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/credential_helper.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/registry/credential.h"
#include "libs/registry/secret.h"

namespace stave::registry {
namespace {

class CredentialHelperTest : public testing::Test {
 protected:
  CredentialHelperTest() {
    ::signal(SIGPIPE, SIG_IGN);
    std::string name = testing::TempDir() + "/helperXXXXXX";
    top_ = ::mkdtemp(name.data());
    ::setenv("PATH", absl::StrCat("relative::", top_, ":/usr/bin:/bin").c_str(), 1);
  }
  ~CredentialHelperTest() override { std::filesystem::remove_all(top_); }

  void Write(const std::string& suffix, const std::string& script) {
    const std::string path = absl::StrCat(top_, "/docker-credential-", suffix);
    std::ofstream(path) << "#!/bin/sh\n" << script << "\n";
    ::chmod(path.c_str(), 0755);
  }
  absl::StatusOr<std::optional<Credential>> Get(const std::string& script,
                                                HelperLimits limits = HelperLimits()) {
    Write("x", script);
    return CredentialHelper::Open("x", limits)->Get("reg.io");
  }

  std::string top_;
};

TEST_F(CredentialHelperTest, GetsAPassword) {
  const auto login = Get(R"sh(
    test "$1" = get && test "$(cat)" = reg.io || exit 9
    echo '{"ServerURL":"reg.io","Username":"ann","Secret":"hunter2"}')sh");
  ASSERT_TRUE(login.ok()) << login.status();
  EXPECT_EQ((*login)->user, "ann");
  EXPECT_EQ((*login)->password.Reveal(), "hunter2");
  EXPECT_TRUE((*login)->identity_token.empty());
}

TEST_F(CredentialHelperTest, GetsAnIdentityToken) {
  const auto login = Get(R"(echo '{"Username":"<token>","Secret":"id"}')");
  EXPECT_EQ((*login)->user, "");
  EXPECT_TRUE((*login)->password.empty());
  EXPECT_EQ((*login)->identity_token.Reveal(), "id");
}

TEST_F(CredentialHelperTest, HasNone) {
  EXPECT_FALSE(Get("echo credentials not found in native keychain; exit 1")->has_value());
  EXPECT_FALSE(Get(R"(echo '{"Username":"","Secret":""}')")->has_value());
}

TEST_F(CredentialHelperTest, WhateverElseIsAnErrorAndNotRepeated) {
  for (const char* script :
       {"exit 1", "echo the keychain is locked; exit 1", "echo '{\"Secret\":\"hunter2\"}'; exit 1",
        "echo hunter2", "echo '[\"hunter2\"]'", "kill -9 $$", "true",
        "echo '{\"Username\":\"ann\"}'", "echo '{\"Secret\":\"hunter2\"'"}) {
    const auto login = Get(script);
    ASSERT_FALSE(login.ok()) << script;
    EXPECT_EQ(base::ErrorWord(login.status()), "E_HELPER") << script;
    EXPECT_EQ(login.status().message().find("hunter2"), std::string::npos) << login.status();
    EXPECT_NE(login.status().message().find("docker-credential-x get"), std::string::npos);
  }
  EXPECT_NE(Get("echo locked; exit 1").status().message().find("locked"), std::string::npos);
}

TEST_F(CredentialHelperTest, OneThatDoesNotReadItsInput) {
  EXPECT_TRUE(Get(R"(exec <&-; echo '{"Username":"a","Secret":"b"}')")->has_value());
}

TEST_F(CredentialHelperTest, OneThatHangs) {
  const auto limits = HelperLimits{absl::Milliseconds(200), 1024};
  for (const char* script : {"exec sleep 1000", "exec sleep 1000 >&-"}) {
    EXPECT_TRUE(absl::IsDeadlineExceeded(Get(script, limits).status())) << script;
  }
}

TEST_F(CredentialHelperTest, OneThatDoesNotStop) {
  EXPECT_TRUE(absl::IsResourceExhausted(Get("exec cat /dev/zero").status()));
}

TEST_F(CredentialHelperTest, NamesThatAreNone) {
  for (const char* suffix : {"", "../x", "a/b", "a b", "a;b", "\n"}) {
    EXPECT_EQ(base::ErrorWord(CredentialHelper::Open(suffix).status()), "E_HELPER") << suffix;
  }
  EXPECT_TRUE(absl::IsNotFound(CredentialHelper::Open("missing").status()));
}

TEST_F(CredentialHelperTest, StoresListsAndErases) {
  Write("x", absl::StrCat("cd ", top_, R"sh(
    case $1 in
      store) cat >kept ;;
      get) cat kept 2>/dev/null || { echo credentials not found in native keychain; exit 1; } ;;
      erase) test "$(cat)" = reg.io && rm kept ;;
      list) echo '{"reg.io":"ann","b.io":"bob"}' ;;
    esac)sh"));
  const auto helper = CredentialHelper::Open("x");
  EXPECT_TRUE(helper->Store("reg.io", {"ann", Secret("a\"b"), Secret()}).ok());
  EXPECT_EQ((**helper->Get("reg.io")).password.Reveal(), "a\"b");
  EXPECT_EQ(*helper->List(), std::vector<std::string>({"reg.io", "b.io"}));
  EXPECT_TRUE(*helper->Erase("reg.io"));
  EXPECT_FALSE(*helper->Erase("reg.io"));
  EXPECT_TRUE(helper->Store("reg.io", {"ann", Secret(), Secret("id")}).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(helper->Store("reg.io", {"ann", Secret("\xff"), Secret()})));
  EXPECT_EQ((**helper->Get("reg.io")).identity_token.Reveal(), "id");
}

}  // namespace
}  // namespace stave::registry
