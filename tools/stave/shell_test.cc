// SPDX-License-Identifier: Apache-2.0
#include "tools/stave/shell.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/pipe.h"
#include "libs/base/posix.h"
#include "libs/base/subprocess.h"

namespace stave::tools {
namespace {

std::string Same(const std::string& program) { return program; }

// What `sh -c script` writes to stdout.
std::string OutputOf(const std::string& script) {
  auto pipe = base::MakePipe("output");
  auto child = base::Start({.path = "/bin/sh",
                            .args = {"sh", "-c", script},
                            .fds = {{pipe->writer.get(), STDOUT_FILENO}}});
  pipe->writer.Reset();
  auto output = base::ReadAll(pipe->reader.get(), 1 << 20, "output");
  EXPECT_EQ(*child->Wait(), 0) << script;
  return *output;
}

// The words as the shell hands them to a program: printf ends each with a NUL.
std::vector<std::string> ThroughShell(const std::vector<std::string>& words) {
  Plan plan;
  plan.stages = {{"/usr/bin/printf", {"%s\\0"}}};
  auto& args = plan.stages[0].args;
  args.insert(args.end(), words.begin(), words.end());
  const std::string output = OutputOf(PlanAsShell(plan, Same));
  std::vector<std::string> found(1);
  for (const char c : output) {
    if (c == '\0') {
      found.emplace_back();
    } else {
      found.back().push_back(c);
    }
  }
  found.pop_back();
  return found;
}

TEST(ShellWordTest, PlainWordsStay) {
  EXPECT_EQ(ShellWord("--name"), "--name");
  EXPECT_EQ(ShellWord("127.0.0.1:5000/a/b:c@sha256:d_e%f+g,h=i"),
            "127.0.0.1:5000/a/b:c@sha256:d_e%f+g,h=i");
}

TEST(ShellWordTest, OthersAreQuoted) {
  EXPECT_EQ(ShellWord(""), "''");
  EXPECT_EQ(ShellWord("a b"), "'a b'");
  EXPECT_EQ(ShellWord("it's"), "'it'\\''s'");
  EXPECT_EQ(ShellWord("~"), "'~'");
}

TEST(PlanAsShellTest, WordsArriveByteForByte) {
  std::vector<std::string> words = {"",   " ",        "a b",      "$HOME", "`id`", "a\nb", "\n",
                                    "\\", "\\n",      "'\"'",     "!x",    "*",    "~",    "{a,b}",
                                    "-n", "\xce\xb2", "\xff\xfe", "#",     "a;b",  "&",    "\t"};
  std::string all;
  for (int c = 1; c < 256; ++c) all.push_back(static_cast<char>(c));
  words.push_back(all);

  EXPECT_EQ(ThroughShell(words), words);
}

TEST(PlanAsShellTest, AnyWordsArriveByteForByte) {
  std::mt19937 random(6);
  std::uniform_int_distribution<int> byte(1, 255), length(0, 12);
  std::vector<std::string> words;
  for (int i = 0; i < 2000; ++i) {
    std::string word;
    for (int n = length(random); n > 0; --n) word.push_back(static_cast<char>(byte(random)));
    words.push_back(word);
  }

  EXPECT_EQ(ThroughShell(words), words);
}

TEST(PlanAsShellTest, Joins) {
  Plan plan;
  plan.stages = {
      {"a", {"x"}}, {"b", {}, true, Join::kAnd}, {"c", {}, false, Join::kAlways}, {"d", {}}};

  EXPECT_EQ(PlanAsShell(plan, Same), "a x | b > /dev/null && c; d\n");
}

TEST(PlanAsShellTest, StdinIsKept) {
  Plan plan;
  plan.stages = {{"/bin/echo", {"from the pipe"}}, {"/bin/sh", {"-c", "cat; cat <&3"}}};
  plan.keeps_stdin = true;
  const std::string script = PlanAsShell(plan, Same);

  EXPECT_EQ(script, "{ /bin/echo 'from the pipe' | /bin/sh -c 'cat; cat <&3'; } 3<&0\n");
  EXPECT_EQ(OutputOf("echo from stdin | sh -c " + ShellWord(script)),
            "from the pipe\nfrom stdin\n");
}

TEST(PlanAsShellTest, LongPipelinesAreBroken) {
  Plan plan;
  plan.stages = {{"/bin/echo", {std::string(80, 'x')}},
                 {"/bin/cat", {"-", "/dev/null"}},
                 {"/usr/bin/wc", {"-c"}}};
  const std::string script = PlanAsShell(plan, Same);

  EXPECT_NE(script.find(" |\n  /bin/cat"), script.npos);
  EXPECT_EQ(OutputOf(script), "81\n");
}

TEST(PlanAsShellTest, AQuestionIsAsked) {
  Plan plan;
  plan.question = "Sure, it's 100%?\nWell? ";
  plan.stages = {{"/bin/echo", {"done"}}};
  const std::string script = ShellWord(PlanAsShell(plan, Same));

  EXPECT_EQ(OutputOf("echo y | sh -c " + script), "Sure, it's 100%?\nWell? done\n");
  EXPECT_EQ(OutputOf("echo ' Y ' | sh -c " + script), "Sure, it's 100%?\nWell? done\n");
  EXPECT_EQ(OutputOf("echo yes | sh -c " + script), "Sure, it's 100%?\nWell? ");
  EXPECT_EQ(OutputOf("sh -c " + script + " < /dev/null"), "Sure, it's 100%?\nWell? ");
}

}  // namespace
}  // namespace stave::tools
