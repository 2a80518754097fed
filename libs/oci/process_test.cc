// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/process.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/json/parse.h"

namespace stave::oci {
namespace {

using Words = std::vector<std::string>;

const CommandWords kImage = {Words{"/entry", "-x"}, Words{"cmd"}};

TEST(ProcessArgsTest, OperandsReplaceCmd) {
  EXPECT_EQ(*ProcessArgs(kImage, {}, {}), (Words{"/entry", "-x", "cmd"}));
  EXPECT_EQ(*ProcessArgs(kImage, {}, {"a", "b"}), (Words{"/entry", "-x", "a", "b"}));
  EXPECT_EQ(*ProcessArgs({}, {}, {"a"}), Words{"a"});
  EXPECT_EQ(*ProcessArgs({{}, Words{"sh"}}, {}, {}), Words{"sh"});
}

TEST(ProcessArgsTest, EntrypointReplacesBoth) {
  EXPECT_EQ(*ProcessArgs(kImage, "sh", {}), Words{"sh"});
  EXPECT_EQ(*ProcessArgs(kImage, "sh", {"-c", "x"}), (Words{"sh", "-c", "x"}));
  EXPECT_EQ(*ProcessArgs(kImage, "", {"ls"}), Words{"ls"});
}

TEST(ProcessArgsTest, NothingToRun) {
  EXPECT_EQ(base::ErrorWord(ProcessArgs({}, {}, {}).status()), "E_NO_COMMAND");
  EXPECT_EQ(base::ErrorWord(ProcessArgs(kImage, "", {}).status()), "E_NO_COMMAND");
  EXPECT_EQ(base::ErrorWord(ProcessArgs({}, {}, {""}).status()), "E_NO_COMMAND");
}

TEST(EnvTest, SetsInPlace) {
  json::Value document = *json::Parse(R"({"process":{"env":["A=1","AB=2","C=3"]}})");

  EXPECT_TRUE(SetEnv("A=x=y", &document).ok());
  EXPECT_TRUE(SetEnv("D=", &document).ok());
  RemoveEnv("C", &document);

  EXPECT_EQ(json::Print(document), R"({"process":{"env":["A=x=y","AB=2","D="]}})");
  EXPECT_EQ(GetEnv("A", document), "x=y");
  EXPECT_EQ(GetEnv("B", document), std::nullopt);
  EXPECT_FALSE(SetEnv("=x", &document).ok());
  EXPECT_FALSE(SetEnv("x", &document).ok());
}

TEST(SetUserTest, KeepsOtherMembers) {
  json::Value document =
      *json::Parse(R"({"process":{"user":{"uid":0,"gid":0,"umask":18},"env":["HOME=/h"],"x":1}})");

  SetUser({7, 8, {8, 9}, "/home/u"}, &document);

  EXPECT_EQ(json::Print(document),
            R"({"process":{"user":{"uid":7,"gid":8,"umask":18,"additionalGids":[8,9]},)"
            R"("env":["HOME=/h"],"x":1}})");
}

TEST(ChangeUserTest, HomeGoesWithTheUser) {
  json::Value document = *json::Parse(R"({"process":{"env":["HOME=/root"]}})");

  ChangeUser({0, 0, {0}, "/root"}, {7, 7, {7}, "/home/u"}, &document);

  EXPECT_EQ(GetEnv("HOME", document), "/home/u");
}

TEST(SetUserTest, OnlyRootStartsWithCapabilities) {
  json::Value document;
  SetCapabilities({"CAP_CHOWN"}, &document);
  EXPECT_EQ(document.Find({"process", "capabilities", "effective"})->elements().size(), 1u);

  SetUser({1, 1, {1}, "/"}, &document);
  EXPECT_EQ(document.Find({"process", "capabilities", "effective"})->elements().size(), 0u);
  EXPECT_EQ(document.Find({"process", "capabilities", "permitted"})->elements().size(), 0u);
  EXPECT_EQ(BoundingCapabilities(document), Words{"CAP_CHOWN"});

  SetUser({0, 0, {0}, "/"}, &document);
  EXPECT_EQ(document.Find({"process", "capabilities", "effective"})->elements().size(), 1u);
  document.Make({"process", "user"}).Set("uid", json::Value::NumberText("0.0"));
  SetCapabilities({"CAP_CHOWN"}, &document);
  EXPECT_EQ(document.Find({"process", "capabilities", "effective"})->elements().size(), 1u);
  EXPECT_EQ(document.Find({"process", "capabilities", "inheritable"}), nullptr);
}

}  // namespace
}  // namespace stave::oci
