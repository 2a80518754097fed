// SPDX-License-Identifier: Apache-2.0
#include "tools/stave/perform.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/pipe.h"
#include "libs/base/posix.h"
#include "libs/base/subprocess.h"

namespace stave::tools {
namespace {

struct Outcome {
  int code = 0;  // 200 + what Perform returned, where it did; 255: an error
  std::string output;
};

// What comes of `plan` in a process of its own, with `input` on stdin.
Outcome OutcomeOf(const Plan& plan, const std::string& input = "") {
  auto in = base::MakePipe("input");
  auto out = base::MakePipe("output");
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(in->reader.get(), STDIN_FILENO);
    ::dup2(out->writer.get(), STDOUT_FILENO);
    in->writer.Reset();
    const auto code = Perform(plan, "/bin");
    ::_exit(code.ok() ? 200 + *code : 255);
  }
  in->reader.Reset();
  out->writer.Reset();
  EXPECT_TRUE(base::WriteAll(in->writer.get(), input, "input").ok());
  in->writer.Reset();
  Outcome outcome;
  outcome.output = *base::ReadAll(out->reader.get(), 1 << 20, "output");
  const int status = base::ReapChild(pid);
  outcome.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return outcome;
}

Stage Shell(const std::string& script) { return {"sh", {"-c", script}}; }

TEST(PerformTest, APipelineHasTheCodeOfItsLastStage) {
  Plan plan;
  plan.stages = {Shell("echo one; exit 3"), Shell("cat; echo two"), Shell("cat; exit 7")};
  const Outcome outcome = OutcomeOf(plan);

  EXPECT_EQ(outcome.output, "one\ntwo\n");
  EXPECT_EQ(outcome.code, 7);
}

TEST(PerformTest, TheLastStageIsExecutedInPlace) {
  Plan plan;
  plan.stages = {Shell("echo $PPID"), Shell("read -r parent; test $parent = $$; echo $?")};

  EXPECT_EQ(OutcomeOf(plan).output, "0\n");
}

TEST(PerformTest, StdinIsKept) {
  Plan plan;
  plan.stages = {Shell("echo piped"), Shell("cat; cat <&3")};
  plan.keeps_stdin = true;

  EXPECT_EQ(OutcomeOf(plan, "typed\n").output, "piped\ntyped\n");
}

TEST(PerformTest, AndStopsAtAFailure) {
  Plan plan;
  plan.stages = {Shell("echo hidden; exit 4"), Shell("echo reached")};
  plan.stages[0].drops_output = true;
  plan.stages[0].next = Join::kAnd;

  const Outcome stopped = OutcomeOf(plan);
  EXPECT_EQ(stopped.output, "");
  EXPECT_EQ(stopped.code, 204);
  plan.stages[0].next = Join::kAlways;
  EXPECT_EQ(OutcomeOf(plan).output, "reached\n");
}

TEST(PerformTest, WhatIsWaitedForMayBeKilled) {
  Plan plan;
  plan.stages = {Shell("kill -TERM $$"), Shell("true")};
  plan.stages[0].next = Join::kAnd;

  EXPECT_EQ(OutcomeOf(plan).code, (200 + 143) % 256);
}

TEST(PerformTest, TheQuestion) {
  Plan plan;
  plan.question = "Well? ";
  plan.stages = {Shell("cat")};

  EXPECT_EQ(OutcomeOf(plan, "y\nrest\n").output, "Well? rest\n");
  EXPECT_EQ(OutcomeOf(plan, " Y\n").output, "Well? ");
  EXPECT_EQ(OutcomeOf(plan, "yes\nrest\n").output, "Well? ");
  EXPECT_EQ(OutcomeOf(plan, "").code, 200);
}

TEST(PerformTest, AProgramThatIsNotThere) {
  Plan plan;
  plan.stages = {{"no-such-program", {}}, Shell("true")};
  const auto first = Perform(plan, "/bin");
  plan.stages = {{"no-such-program", {}}};
  const auto last = Perform(plan, "/bin");

  EXPECT_EQ(base::ErrorWord(first.status()), "E_HELPER");
  EXPECT_EQ(base::ErrorWord(last.status()), "E_HELPER");
}

TEST(PerformTest, TheStagesBeforeEndWithTheLastOne) {
  Plan plan;
  plan.stages = {Shell("exec 3>&1 >/dev/null; echo $$ >&3; exec 3>&-; exec sleep 1000"),
                 Shell("read -r pid; echo $pid")};
  const pid_t pid = ::atoi(OutcomeOf(plan).output.c_str());  // lint: a pid that a shell has printed

  ASSERT_GT(pid, 0);
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) return;  // gone already
  struct pollfd ended = {pidfd, POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 20000), 1);
  ::close(pidfd);
}

}  // namespace
}  // namespace stave::tools
