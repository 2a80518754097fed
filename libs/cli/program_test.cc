// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/program.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/cli/help.h"

namespace stave::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr Option kOptions[] = {
    {"memory", 'm', Takes::kValue, "SIZE", "limit of memory"},
    {"env", 'e', Takes::kList, "KEY=VALUE", "set a variable; may be repeated"},
    {"interactive", 'i', Takes::kNothing, "", "keep stdin open"},
    {"tty", 't', Takes::kNothing, "", "give it a terminal", "Streams"},
};
constexpr Program kProgram = {
    .name = "try", .purpose = "try things", .synopsis = "[OPTION...]", .options = kOptions};

absl::StatusOr<Invocation> Parsed(std::vector<std::string> words) {
  words.insert(words.begin(), "try");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  return ParseCommandLine(kProgram, static_cast<int>(words.size()), argv.data());
}

std::string Error(std::vector<std::string> words) {
  const auto parsed = Parsed(std::move(words));
  if (parsed.ok()) return "accepted";
  return std::string(parsed.status().message()) + "|" + base::ErrorHint(parsed.status());
}

TEST(ParseCommandLineTest, ClustersListsAndOperands) {
  const auto parsed = Parsed({"-it", "-eA=1", "--env", "B=2", "--env=C", "--memory=5", "ls", "-l"});

  ASSERT_TRUE(parsed.ok());
  EXPECT_TRUE(parsed->Has("interactive"));
  EXPECT_TRUE(parsed->Has("tty"));
  EXPECT_THAT(parsed->List("env"), ElementsAre("A=1", "B=2", "C"));
  EXPECT_EQ(parsed->Get("memory"), "5");
  EXPECT_THAT(parsed->operands(), ElementsAre("ls", "-l"));
  EXPECT_FALSE(parsed->after_dashes());
}

TEST(ParseCommandLineTest, DashesEndTheOptions) {
  const auto parsed = Parsed({"-t", "--", "-i"});

  ASSERT_TRUE(parsed.ok());
  EXPECT_THAT(parsed->operands(), ElementsAre("-i"));
  EXPECT_TRUE(parsed->after_dashes());
  EXPECT_FALSE(parsed->Has("interactive"));
}

TEST(ParseCommandLineTest, ASwitchCanBeTurnedOff) {
  EXPECT_FALSE(Parsed({"--tty=false"})->Has("tty"));
  EXPECT_THAT(Error({"--tty=maybe"}), HasSubstr("--tty: \"maybe\": is neither true nor false"));
}

TEST(ParseCommandLineTest, WrongUsageIsNamed) {
  EXPECT_EQ(Error({"--memroy", "5"}), "unknown option --memroy|did you mean --memory?");
  EXPECT_EQ(Error({"--mem=5"}), "unknown option --mem|did you mean --memory?");
  EXPECT_EQ(Error({"--xyz"}), "unknown option --xyz|try --help lists the options");
  EXPECT_EQ(Error({"-x"}), "unknown option -x|try --help lists the options");
  EXPECT_EQ(Error({"--memory"}), "--memory: a value is missing|");
  EXPECT_EQ(Error({"-m"}), "--memory: a value is missing|");
  EXPECT_EQ(Error({"-m", "1", "--memory=2"}), "--memory: is given twice|");
  EXPECT_EQ(Error({"-i", "-i"}), "--interactive: is given twice|");
}

TEST(HelpTextTest, HasUsageGroupsAndManual) {
  EXPECT_EQ(HelpText(kProgram),
            "Usage: try [OPTION...]\n\nTry things.\n\nOptions:\n"
            " -m, --memory SIZE          limit of memory\n"
            " -e, --env KEY=VALUE        set a variable; may be repeated\n"
            " -i, --interactive          keep stdin open\n\nStreams:\n"
            " -t, --tty                  give it a terminal\n\n"
            "     --help                 print this help and exit\n"
            "     --version              print the version and exit\n\n"
            "For more details see try(1).\n");
}

TEST(OptionsHelpTest, IsThePartOfHelp) {
  EXPECT_THAT(HelpText(kProgram), HasSubstr(OptionsHelp(kProgram.options.subspan(0, 2))));
}

TEST(CompletionTableTest, OneLineAnOption) {
  EXPECT_THAT(CompletionTable(kProgram), HasSubstr(CompletionLines(kProgram.options)));
  EXPECT_THAT(CompletionTable(kProgram), HasSubstr("--memory\t-m\tvalue\tSIZE\tlimit of memory\n"));
  EXPECT_THAT(CompletionTable(kProgram), HasSubstr("--tty\t-t\tnothing\t\t"));
}

}  // namespace
}  // namespace stave::cli
