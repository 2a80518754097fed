// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/verbs.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Option kGlobal[] = {{"root", 0, Takes::kValue, "DIR", "where state is"}};
constexpr Option kUpdateOptions[] = {{"memory", 'm', Takes::kValue, "SIZE", "limit of memory"}};
constexpr Option kExecOptions[] = {{"tty", 't', Takes::kNothing, "", "give it a terminal"}};

absl::StatusOr<int> Update(const VerbCall& call) {
  if (call.own.Get("memory") == "bad") return BadValue("memory", absl::InvalidArgumentError("no"));
  if (call.own.operands() != std::vector<std::string>{"web"}) return absl::InternalError("broken");
  call.warn("takes a while");
  return call.own.Get("memory") == "5" && call.global.Get("root") == "/r" ? 40 : 41;
}

absl::StatusOr<int> Exec(const VerbCall& call) {
  return call.own.operands() == std::vector<std::string>{"web", "-t"} ? 50 : 51;
}

const Verb kVerbs[] = {
    {{.name = "update",
      .purpose = "change limits",
      .synopsis = "[OPTION...] ID",
      .options = kUpdateOptions,
      .usage_exit = 1,
      .last_wins = true,
      .mixed = true},
     Update},
    {{.name = "exec",
      .purpose = "run a command",
      .synopsis = "[OPTION...] ID COMMAND...",
      .options = kExecOptions,
      .usage_exit = 255,
      .failure_exit = 255},
     Exec},
};

struct Ran {
  int code = 0;
  std::string out, err;
  std::vector<std::string> logged;
};

Ran Try(std::vector<std::string> words, absl::Status begin = absl::OkStatus()) {
  Ran ran;
  Verbs verbs = {.program = {.name = "try",
                             .purpose = "try things",
                             .synopsis = "[OPTION...] COMMAND [ARG...]",
                             .options = kGlobal,
                             .help_letter = 'h',
                             .version_letter = 'v',
                             .page = "try(8)"},
                 .verbs = kVerbs,
                 .version = "",
                 .begin = [&](const Invocation&) { return begin; },
                 .log =
                     [&](Severity severity, absl::string_view message) {
                       ran.logged.push_back((severity == Severity::kError ? "error " : "warning ") +
                                            std::string(message));
                       return true;
                     }};
  words.insert(words.begin(), "try");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  ran.code = VerbsMain(verbs, static_cast<int>(words.size()), argv.data());
  ran.out = testing::internal::GetCapturedStdout();
  ran.err = testing::internal::GetCapturedStderr();
  return ran;
}

TEST(VerbsTest, GlobalOptionsComeFirstThenTheVerbs) {
  const Ran ran = Try({"--root", "/r", "update", "--memory=4", "web", "-m", "5"});
  EXPECT_EQ(ran.code, 40);
  EXPECT_THAT(ran.logged, ElementsAre("warning takes a while"));
  EXPECT_EQ(ran.err, "");
  EXPECT_EQ(Try({"--root=/r", "update", "-m5", "--", "web"}).code, 40);
  EXPECT_EQ(Try({"exec", "-t", "web", "-t"}).code, 50);
}

TEST(VerbsTest, ErrorsAreTheProgramsAndAreLogged) {
  Ran ran = Try({"updat", "web"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.err, "try: unknown command \"updat\" [E_USAGE]\nhint: did you mean update?\n");
  EXPECT_THAT(ran.logged, ElementsAre("error unknown command \"updat\""));

  ran = Try({"exec", "--ttty", "web"});
  EXPECT_EQ(ran.code, 255);
  EXPECT_EQ(ran.err, "try: unknown option --ttty [E_USAGE]\nhint: did you mean --tty?\n");

  EXPECT_THAT(Try({"exec", "--xyzzy"}).err, HasSubstr("hint: try exec --help lists the options"));
  EXPECT_THAT(Try({"--rot=1", "exec"}).err, HasSubstr("did you mean --root?"));
  EXPECT_EQ(Try({"update", "--memory=bad", "web"}).code, 1);
  EXPECT_EQ(Try({"update"}).err, "try: broken [E_INTERNAL]\n");
  EXPECT_EQ(Try({}).err,
            "try: a command is missing [E_USAGE]\nhint: try --help lists the commands\n");
}

TEST(VerbsTest, ALogThatCannotBeOpenedIsAnErrorOfItsOwn) {
  const Ran ran = Try({"update", "web"}, absl::NotFoundError("log: open: no"));
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(ran.err, "try: log: open: no [E_NOT_FOUND]\n");
  EXPECT_THAT(ran.logged, IsEmpty());
}

TEST(VerbsTest, Help) {
  const std::string help = Try({"--help"}).out;
  EXPECT_EQ(help,
            "Usage: try [OPTION...] COMMAND [ARG...]\n\nTry things.\n\nCommands:\n"
            "  update      change limits\n  exec        run a command\n\nOptions:\n"
            "     --root DIR             where state is\n\n"
            " -h, --help                 print this help and exit\n"
            " -v, --version              print the version and exit\n\n"
            "For more details see try(8).\n");
  EXPECT_EQ(Try({"-h"}).out, help);
  EXPECT_EQ(Try({"help"}).out, help);

  const std::string update = Try({"update", "--help"}).out;
  EXPECT_THAT(update, HasSubstr("Usage: try update [OPTION...] ID\n\nChange limits.\n"));
  EXPECT_THAT(update, HasSubstr("For more details see try(8).\n"));
  EXPECT_EQ(Try({"help", "update"}).out, update);
  EXPECT_EQ(Try({"update", "-h"}).out, update);
  EXPECT_EQ(Try({"checkpoint", "--help"}).code, 2);
  EXPECT_THAT(Try({"-v"}).out, HasSubstr("try (stave) "));
}

TEST(VerbsTest, AllTables) {
  EXPECT_THAT(Try({"--help=complete"}).out,
              HasSubstr("=update\tchange limits\n--memory\t-m\tvalue\tSIZE\tlimit of memory\n"));
  EXPECT_THAT(Try({"--help=man"}).out,
              HasSubstr("## update\n\n*update* [OPTION...] ID\n\nChange limits.\n\n"
                        "*-m*, *--memory* _SIZE_\n\tLimit of memory.\n\n## exec\n"));
}

}  // namespace
}  // namespace stave::cli
