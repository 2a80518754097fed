// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/credentials.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/registry/credential.h"

namespace stave::registry {
namespace {

class CredentialsTest : public testing::Test {
 protected:
  CredentialsTest() {
    std::string name = testing::TempDir() + "/credentialsXXXXXX";
    top_ = ::mkdtemp(name.data());
    for (const char* variable :
         {"DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "XDG_CONFIG_HOME"}) {
      ::unsetenv(variable);
    }
    ::setenv("HOME", top_.c_str(), 1);
    ::setenv("XDG_RUNTIME_DIR", absl::StrCat(top_, "/run").c_str(), 1);
  }
  ~CredentialsTest() override { std::filesystem::remove_all(top_); }

  static std::string Auths(const std::string& host, const std::string& user) {
    return absl::StrCat(R"({"auths":{")", host, R"(":{"auth":")",
                        absl::Base64Escape(user + ":secret"), "\"}}}");
  }
  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = top_ + "/" + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  std::string User(const std::string& repository, const std::string& authfile = "") {
    const auto login = FindCredential(FindCredentialFiles(authfile), repository);
    if (!login.ok()) return base::ErrorWord(login.status());
    return login->has_value() ? (*login)->user : "none";
  }

  std::string top_;
};

TEST_F(CredentialsTest, TheFirstThatKnowsTheRegistryWins) {
  EXPECT_EQ(User("reg.io/a"), "none");
  Write(".docker/config.json", Auths("reg.io", "docker"));
  EXPECT_EQ(User("reg.io/a"), "docker");
  Write(".config/containers/auth.json", Auths("reg.io", "config"));
  EXPECT_EQ(User("reg.io/a"), "config");
  Write("run/containers/auth.json", Auths("other.io", "runtime"));
  EXPECT_EQ(User("reg.io/a"), "config");
  EXPECT_EQ(User("other.io/a"), "runtime");
  Write("run/containers/auth.json", Auths("reg.io", "runtime"));
  EXPECT_EQ(User("reg.io/a"), "runtime");
  ::setenv("DOCKER_AUTH_CONFIG", Auths("reg.io", "environment").c_str(), 1);
  EXPECT_EQ(User("reg.io/a"), "environment");
  EXPECT_EQ(User("other.io/a"), "none");
}

TEST_F(CredentialsTest, AFileThatIsNamedIsTheOnlyOne) {
  Write(".docker/config.json", Auths("reg.io", "docker"));
  Write("mine", Auths("other.io", "mine"));
  EXPECT_EQ(User("reg.io/a", top_ + "/mine"), "none");
  EXPECT_EQ(User("other.io/a", top_ + "/mine"), "mine");
  EXPECT_EQ(User("other.io/a", top_ + "/missing"), "E_NOT_FOUND");
  ::setenv("REGISTRY_AUTH_FILE", absl::StrCat(top_, "/mine").c_str(), 1);
  EXPECT_EQ(User("reg.io/a"), "none");
  EXPECT_EQ(User("other.io/a"), "mine");
  ::setenv("DOCKER_AUTH_CONFIG", Auths("other.io", "environment").c_str(), 1);
  EXPECT_EQ(User("other.io/a"), "environment");
  EXPECT_EQ(User("other.io/a", top_ + "/mine"), "mine");
}

TEST_F(CredentialsTest, OtherFolders) {
  ::setenv("DOCKER_CONFIG", absl::StrCat(top_, "/d").c_str(), 1);
  ::setenv("XDG_CONFIG_HOME", absl::StrCat(top_, "/c").c_str(), 1);
  Write("d/config.json", Auths("d.io", "d"));
  Write("c/containers/auth.json", Auths("c.io", "c"));
  EXPECT_EQ(User("d.io/a"), "d");
  EXPECT_EQ(User("c.io/a"), "c");
  ::unsetenv("XDG_RUNTIME_DIR");
  EXPECT_TRUE(absl::StartsWith(FindCredentialFiles("").paths[0], "/run/containers/"));
}

TEST_F(CredentialsTest, AHelperComesFirstAndItsFailureIsFinal) {
  Write("bin/docker-credential-good", R"(#!/bin/sh
    case $(cat) in reg.io) echo '{"Username":"helper","Secret":"s"}' ;;
    *) echo credentials not found in native keychain; exit 1 ;; esac)");
  Write("bin/docker-credential-bad", "#!/bin/sh\nexit 1");
  for (const char* name : {"good", "bad"}) {
    ::chmod(absl::StrCat(top_, "/bin/docker-credential-", name).c_str(), 0755);
  }
  ::setenv("PATH", absl::StrCat(top_, "/bin:/usr/bin:/bin").c_str(), 1);
  Write(".docker/config.json",
        R"({"auths":{"reg.io":{"auth":"YTpi"},"b.io":{"auth":"YTpi"}},"credsStore":"good",
            "credHelpers":{"bad.io":"bad","gone.io":"gone"}})");
  EXPECT_EQ(User("reg.io/x"), "helper");
  EXPECT_EQ(User("b.io/x"), "a");
  EXPECT_EQ(User("none.io/x"), "none");
  EXPECT_EQ(User("bad.io/x"), "E_HELPER");
  EXPECT_EQ(User("gone.io/x"), "E_HELPER");
}

TEST_F(CredentialsTest, WhatCannotBeReadIsAnError) {
  Write(".docker/config.json", "{\"auths\":");
  EXPECT_EQ(User("reg.io/x"), "E_AUTH_FILE");
  ::setenv("DOCKER_AUTH_CONFIG", "secret", 1);
  EXPECT_EQ(User("reg.io/x"), "E_AUTH_FILE");
  const auto status = FindCredential(FindCredentialFiles(""), "reg.io/x").status();
  EXPECT_EQ(status.message().find("secret"), std::string::npos);
}

}  // namespace
}  // namespace stave::registry
