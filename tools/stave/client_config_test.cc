// SPDX-License-Identifier: Apache-2.0
#include "tools/stave/client_config.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/json/parse.h"

namespace stave::tools {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Flag kFlags[] = {
    {{"attach", 'a', cli::Takes::kNothing, "", ""}},
    {{"detach", 'd', cli::Takes::kNothing, "", ""}},
    {{"detach-keys", 0, cli::Takes::kValue, "string", ""}},
    {{"env", 'e', cli::Takes::kList, "list", ""}},
};
constexpr Verb kRun{.names = "run, container run", .purpose = "", .synopsis = "", .flags = kFlags};
constexpr Verb kStart{.names = "start", .purpose = "", .synopsis = "", .flags = kFlags};
constexpr Verb kExec{.names = "exec", .purpose = "", .synopsis = "", .flags = kFlags};
constexpr Verb kPs{.names = "ps, container ls", .purpose = "", .synopsis = ""};
constexpr Verb kRm{.names = "rm", .purpose = "", .synopsis = ""};

constexpr char kFile[] = R"({"detachKeys":"ctrl-x","psFormat":"{{.ID}}","imagesFormat":7,
    "proxies":{"default":{"httpProxy":"http://p:1","noProxy":"x"},"tcp://other":{"ftpProxy":"y"}}})";

Given Completed(const Verb& verb, Given given = Given(), const char* file = kFile) {
  ClientConfig(json::Parse(file).value()).Complete(verb, &given);
  return given;
}

TEST(ClientConfigTest, KeysWhereSomebodyIsAttached) {
  EXPECT_EQ(Completed(kExec).Get("detach-keys"), "ctrl-x");
  Given typed;
  typed.Add("detach-keys", "ctrl-y");
  EXPECT_THAT(Completed(kExec, typed).List("detach-keys"), ElementsAre("ctrl-y"));
  Given detached;
  detached.Turn("detach", true);
  EXPECT_FALSE(Completed(kExec, detached).Has("detach-keys"));
  EXPECT_FALSE(Completed(kStart).Has("detach-keys"));
  Given attached;
  attached.Turn("attach", true);
  EXPECT_TRUE(Completed(kStart, attached).Has("detach-keys"));
  EXPECT_FALSE(Completed(kRm).Has("detach-keys"));
}

TEST(ClientConfigTest, FormatsUnlessIdsAreWanted) {
  EXPECT_EQ(Completed(kPs).Get("format"), "{{.ID}}");
  Given quiet;
  quiet.Turn("quiet", true);
  EXPECT_FALSE(Completed(kPs, quiet).Has("format"));
  EXPECT_FALSE(Completed(kExec).Has("format"));
}

TEST(ClientConfigTest, ProxiesAreVariables) {
  EXPECT_THAT(
      Completed(kRun).List("env"),
      ElementsAre("HTTP_PROXY=http://p:1", "http_proxy=http://p:1", "NO_PROXY=x", "no_proxy=x"));
  Given typed;
  typed.Add("env", "HTTP_PROXY=mine");
  typed.Add("env", "no_proxy");
  EXPECT_THAT(Completed(kRun, typed).List("env"),
              ElementsAre("HTTP_PROXY=mine", "no_proxy", "http_proxy=http://p:1", "NO_PROXY=x"));
  EXPECT_THAT(Completed(kExec).List("env"), IsEmpty());
}

TEST(ClientConfigTest, OddFilesSetNothing) {
  for (const char* file : {"[]", "7", "{}", R"({"proxies":[],"detachKeys":{},"psFormat":null})"}) {
    EXPECT_THAT(Completed(kRun, Given(), file).List("env"), IsEmpty()) << file;
    EXPECT_FALSE(Completed(kPs, Given(), file).Has("format")) << file;
  }
}

TEST(ClientConfigTest, TheFileIsWhereTheVariablesSay) {
  const std::string top = absl::StrCat(::testing::TempDir(), "/client");
  for (const char* folder : {"", "/home", "/home/.docker", "/d"}) {
    ::mkdir(absl::StrCat(top, folder).c_str(), 0755);
  }
  std::ofstream(top + "/home/.docker/config.json") << R"({"psFormat":"home"})";
  ::setenv("HOME", (top + "/home").c_str(), 1);
  const auto format = [] {
    Given given;
    ClientConfig::Read().value().Complete(kPs, &given);
    return given.Get("format");
  };
  ::unsetenv("DOCKER_CONFIG");
  EXPECT_EQ(format(), "home");
  ::setenv("DOCKER_CONFIG", (top + "/d").c_str(), 1);
  EXPECT_EQ(format(), "");
  std::ofstream(top + "/d/config.json") << "{";
  EXPECT_EQ(base::ErrorWord(ClientConfig::Read().status()), "E_JSON");
  ::unsetenv("DOCKER_CONFIG");
  ::unsetenv("HOME");
  EXPECT_EQ(format(), "");
}

}  // namespace
}  // namespace stave::tools
