// SPDX-License-Identifier: Apache-2.0
#include "libs/base/termination.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace stave::base {
namespace {

absl::StatusOr<ChildProcess> Shell(const char* script) {
  Command command;
  command.path = "/bin/sh";
  command.args = {"sh", "-c", script};
  return Start(command);
}

TEST(TerminationTest, AChildEnds) {
  const TerminationHold hold;
  auto child = Shell("exit 7");
  ASSERT_TRUE(child.ok());
  EXPECT_EQ(hold.Await(*child), 0);
  EXPECT_EQ(*child->Wait(), 7);
}

TEST(TerminationTest, ASignalComes) {
  const TerminationHold hold;
  auto child = Shell("kill -TERM $PPID; exec sleep 1000");
  ASSERT_TRUE(child.ok());
  EXPECT_EQ(hold.Await(*child), SIGTERM);
}

TEST(TerminationTest, TheSignalOfAChildThatEndsOfItTooIsToldFirst) {
  const TerminationHold hold;
  auto child = Shell("kill -INT $PPID; kill -INT $$");
  ASSERT_TRUE(child.ok());
  EXPECT_EQ(hold.Await(*child), SIGINT);
  EXPECT_EQ(*child->Wait(), 128 + SIGINT);
}

TEST(TerminationTest, AnIgnoredOneIsNotTold) {
  ::signal(SIGHUP, SIG_IGN);
  {
    const TerminationHold hold;
    auto child = Shell("kill -HUP $PPID; exit 3");
    ASSERT_TRUE(child.ok());
    EXPECT_EQ(hold.Await(*child), 0);
  }
  ::signal(SIGHUP, SIG_DFL);
}

TEST(TerminationTest, TheSignalsWorkAgainAfterwards) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    { const TerminationHold hold; }
    ::raise(SIGTERM);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

TEST(TerminationTest, EndBySignalIsThatSignal) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    const TerminationHold hold;
    EndBySignal(SIGINT);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
}

}  // namespace
}  // namespace stave::base
