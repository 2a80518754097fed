// SPDX-License-Identifier: Apache-2.0
#include "tools/stave/grammar.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Flag kFlags[] = {
    {{"detach", 'd', cli::Takes::kNothing, "", ""}},
    {{"interactive", 'i', cli::Takes::kNothing, "", ""}},
    {{"tty", 't', cli::Takes::kNothing, "", ""}},
    {{"name", 0, cli::Takes::kValue, "string", ""}},
    {{"env", 'e', cli::Takes::kList, "list", ""}},
    {{"network", 0, cli::Takes::kValue, "string", ""}},
    {{"net", 0, cli::Takes::kValue, "string", ""}, To::kHidden, "network"},
    {{"entrypoint", 0, cli::Takes::kValue, "string", ""}},
};
constexpr Flag kCommon[] = {
    {{"help", 0, cli::Takes::kNothing, "what", ""}},
};
constexpr Missing kMissing[] = {{"publish", 'p', "no ports"}};

absl::StatusOr<Words> Read(const std::vector<std::string>& words, bool mixed = false) {
  return ReadWords({kFlags, kCommon, kMissing, mixed}, words);
}

std::string Error(const std::vector<std::string>& words) {
  const absl::Status status = Read(words).status();
  return std::string(status.message());
}

TEST(ReadWordsTest, ClustersAndValues) {
  const auto words =
      Read({"-dit", "-eA=1", "-e=B=2", "-e", "C", "--env=D", "--name", "web", "img", "-d"});

  ASSERT_TRUE(words.ok()) << words.status();
  EXPECT_TRUE(words->given.Has("detach") && words->given.Has("tty"));
  EXPECT_THAT(words->given.List("env"), ElementsAre("A=1", "B=2", "C", "D"));
  EXPECT_EQ(words->given.Get("name"), "web");
  EXPECT_THAT(words->operands, ElementsAre("img", "-d"));
}

TEST(ReadWordsTest, TheLastOneCounts) {
  const auto words = Read({"--name=a", "--name=b", "-d", "--detach=false", "--net=x"});

  EXPECT_EQ(words->given.Get("name"), "b");
  EXPECT_FALSE(words->given.Has("detach"));
  EXPECT_TRUE(words->given.Off("detach"));
  EXPECT_FALSE(words->given.Off("tty"));
  EXPECT_EQ(words->given.Get("network"), "x");
}

TEST(ReadWordsTest, AnEmptyTextIsNone) {
  EXPECT_FALSE(Read({"--name=", "-d"})->given.Has("name"));
  EXPECT_FALSE(Read({"--name", "web", "--name", ""})->given.Has("name"));
  EXPECT_TRUE(Read({"--entrypoint="})->given.Has("entrypoint"));
  EXPECT_THAT(Read({"-e", ""})->given.List("env"), ElementsAre(""));
}

TEST(ReadWordsTest, AValueIsNoTruth) { EXPECT_TRUE(Read({"--name", "false"})->given.Has("name")); }

TEST(ReadWordsTest, FlagsMayFollowOperands) {
  const auto words = Read({"a", "-d", "b", "--", "-x"}, true);

  EXPECT_TRUE(words->given.Has("detach"));
  EXPECT_THAT(words->operands, ElementsAre("a", "b", "-x"));
}

TEST(ReadWordsTest, DashesEndTheFlags) {
  EXPECT_THAT(Read({"-d", "--", "-t"})->operands, ElementsAre("-t"));
  EXPECT_THAT(Read({"-"})->operands, ElementsAre("-"));
}

TEST(ReadWordsTest, DashesOfTypography) {
  const auto words = Read({"\xe2\x80\x93name", "web", "\xe2\x80\x94tty", "\xe2\x80\x93it"});

  ASSERT_TRUE(words.ok()) << words.status();
  EXPECT_EQ(words->given.Get("name"), "web");
  EXPECT_TRUE(words->given.Has("interactive"));
  EXPECT_EQ(words->warnings.size(), 3u);
  EXPECT_THAT(words->operands, IsEmpty());
  EXPECT_THAT(Read({"\xe2\x80\x93zzz"})->operands, ElementsAre("\xe2\x80\x93zzz"));
}

TEST(ReadWordsTest, ErrorsAreDockers) {
  EXPECT_EQ(Error({"--nmae"}), "unknown flag: --nmae");
  EXPECT_EQ(base::ErrorHint(Read({"--nmae"}).status()), "did you mean --name?");
  EXPECT_EQ(Error({"-dz"}), "unknown shorthand flag: 'z' in -dz");
  EXPECT_EQ(base::ErrorHint(Read({"-name"}).status()), "did you mean --name?");
  EXPECT_EQ(Error({"--name"}), "flag needs an argument: --name");
  EXPECT_EQ(Error({"-de"}), "flag needs an argument: 'e' in -de");
  EXPECT_EQ(Error({"--=x"}), "bad flag syntax: --=x");
  EXPECT_THAT(Error({"-d=maybe"}),
              HasSubstr("invalid argument \"maybe\" for \"-d, --detach\" flag"));
}

TEST(ReadWordsTest, WhatIsMissingIsRefusedByName) {
  for (const char* word : {"-p80:80", "--publish=80:80"}) {
    const absl::Status status = Read({word}).status();
    EXPECT_EQ(base::ErrorWord(status), "E_UNSUPPORTED");
    EXPECT_THAT(std::string(status.message()), HasSubstr("--publish: is not supported: no ports"));
  }
}

}  // namespace
}  // namespace stave::tools
