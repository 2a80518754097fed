// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/auth_file.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/registry/credential.h"
#include "libs/registry/secret.h"

namespace stave::registry {
namespace {

AuthFile Parse(const std::string& text) {
  auto file = AuthFile::Parse(text, "file");
  EXPECT_TRUE(file.ok()) << file.status();
  return *file;
}

std::string Found(const AuthFile& file, const std::string& repository) {
  const auto login = file.Find(repository);
  if (!login.ok()) return base::ErrorWord(login.status());
  if (!login->has_value()) return "none";
  return (*login)->user + ":" + (*login)->password.Reveal() + (*login)->identity_token.Reveal();
}

constexpr char kFile[] = R"({
  "HttpHeaders": {"X-Meta": "1.0"},
  "auths": {
    "reg.io": {"auth": "YW5uOnA6MQ=="},
    "reg.io/team": {"auth": "Ym9iOnAy", "email": "b@example"},
    "https://index.docker.io/v1/": {"auth": "aHViOg==", "identitytoken": "id-1"},
    "empty.io": {},
    "null.io": null,
    "plain.io": {"username": "eve", "password": "p3"},
    "nul.io": {"auth": "YTpiAAA="},
    "bad.io": {"auth": "***"},
    "nocolon.io": {"auth": "YWJj"}
  },
  "credHelpers": {"gcr.io": "gcloud", "https://index.docker.io/v1/": "hub"},
  "psFormat": 1.50
})";

TEST(AuthFileTest, FindsTheMostSpecific) {
  const AuthFile file = Parse(kFile);
  EXPECT_EQ(Found(file, "reg.io"), "ann:p:1");
  EXPECT_EQ(Found(file, "reg.io/other/x"), "ann:p:1");
  EXPECT_EQ(Found(file, "reg.io/team/x"), "bob:p2");
  EXPECT_EQ(Found(file, "reg.io/teams"), "ann:p:1");
  EXPECT_EQ(Found(file, "docker.io/library/alpine"), "hub:id-1");
  EXPECT_EQ(Found(file, "plain.io/x"), "eve:p3");
  EXPECT_EQ(Found(file, "nul.io/x"), "a:b");
}

TEST(AuthFileTest, WhatIsNotThere) {
  const AuthFile file = Parse(kFile);
  for (const char* name : {"reg.io:5000/a", "xreg.io/a", "empty.io/a", "null.io/a", "other.io/a"}) {
    EXPECT_EQ(Found(file, name), "none") << name;
  }
  EXPECT_EQ(Found(Parse(""), "reg.io"), "none");
  EXPECT_EQ(Found(Parse("{}"), "reg.io"), "none");
}

TEST(AuthFileTest, AnEntryThatCannotBeReadIsAnErrorForItsHostOnly) {
  const AuthFile file = Parse(kFile);
  EXPECT_EQ(Found(file, "bad.io/a"), "E_AUTH_FILE");
  EXPECT_EQ(Found(file, "nocolon.io/a"), "E_AUTH_FILE");
  const auto status = file.Find("nocolon.io/a").status();
  EXPECT_NE(status.message().find("nocolon.io"), std::string::npos);
  EXPECT_EQ(status.message().find("YWJj"), std::string::npos);
  EXPECT_EQ(status.message().find("abc"), std::string::npos);
}

TEST(AuthFileTest, WhatIsNoFileOfLogins) {
  for (const char* text : {"[]", "{", "5", R"({"auths": []})", R"({"auths": {"a": "secret"}})",
                           R"({"credHelpers": {"a": {}}})", R"({"credsStore": 5})"}) {
    const auto file = AuthFile::Parse(text, "the file");
    ASSERT_FALSE(file.ok()) << text;
    EXPECT_EQ(base::ErrorWord(file.status()), "E_AUTH_FILE") << text;
    EXPECT_NE(file.status().message().find("the file"), std::string::npos);
    EXPECT_EQ(file.status().message().find("secret"), std::string::npos);
  }
}

TEST(AuthFileTest, Helpers) {
  const AuthFile file = Parse(kFile);
  EXPECT_EQ(file.FindHelper("gcr.io")->suffix, "gcloud");
  EXPECT_EQ(file.FindHelper("docker.io")->suffix, "hub");
  EXPECT_EQ(file.FindHelper("docker.io")->server, "https://index.docker.io/v1/");
  EXPECT_FALSE(file.FindHelper("eu.gcr.io").has_value());
  EXPECT_FALSE(file.FindHelper("gcr.io:443").has_value());

  const AuthFile store = Parse(R"({"credsStore": "pass", "credHelpers": {"gcr.io": "gcloud"}})");
  EXPECT_EQ(store.FindHelper("gcr.io")->suffix, "gcloud");
  EXPECT_EQ(store.FindHelper("reg.io")->suffix, "pass");
  EXPECT_EQ(store.FindHelper("docker.io")->server, "https://index.docker.io/v1/");
}

TEST(AuthFileTest, SetKeepsAllElse) {
  AuthFile file = Parse(kFile);
  file.Set("reg.io", Credential{"new", Secret("p"), Secret()}, "reg.io");
  file.Set("new.io", Credential{"x", Secret("y"), Secret()}, "new.io");
  file.Set("docker.io", Credential{"hub", Secret(), Secret("id-2")}, "docker.io");
  file.Set("helped.io", std::nullopt, "helped.io");
  EXPECT_EQ(Found(file, "reg.io"), "new:p");
  EXPECT_EQ(Found(file, "reg.io/team"), "bob:p2");
  EXPECT_EQ(Found(file, "new.io"), "x:y");
  EXPECT_EQ(Found(file, "docker.io"), "hub:id-2");
  EXPECT_EQ(Found(file, "helped.io"), "none");
  EXPECT_TRUE(file.Has("helped.io"));
  EXPECT_EQ(file.Keys()[2], "https://index.docker.io/v1/");
  const std::string text = file.Print();
  EXPECT_NE(text.find("\"psFormat\": 1.50"), std::string::npos) << text;
  EXPECT_LT(text.find("HttpHeaders"), text.find("\"auths\""));
}

TEST(AuthFileTest, SetLeavesOneSpelling) {
  AuthFile file =
      Parse(R"({"auths": {"https://reg.io": {"auth": "YTpi"}, "reg.io": {"auth": "YTpi"}}})");
  file.Set("reg.io", Credential{"n", Secret("p"), Secret()}, "reg.io");
  EXPECT_EQ(file.Keys(), std::vector<std::string>({"https://reg.io"}));
  EXPECT_EQ(Found(file, "reg.io"), "n:p");
}

TEST(AuthFileTest, Remove) {
  AuthFile file = Parse(kFile);
  EXPECT_TRUE(file.Remove("reg.io"));
  EXPECT_FALSE(file.Remove("reg.io"));
  EXPECT_FALSE(file.Remove("io"));
  EXPECT_EQ(Found(file, "reg.io/team/x"), "bob:p2");
  EXPECT_TRUE(file.Remove("docker.io"));
  file.RemoveAll();
  EXPECT_TRUE(file.Keys().empty());
  EXPECT_EQ(file.Helpers().size(), 2u);
}

}  // namespace
}  // namespace stave::registry
