// SPDX-License-Identifier: Apache-2.0
#include "libs/base/process.h"

#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace stave::base {
namespace {

TEST(ProcessTest, IsFoundAgain) {
  const auto me = IdentifyProcess(::getpid());
  ASSERT_TRUE(me.ok()) << me.status();
  const auto found = OpenProcess(*me);
  ASSERT_TRUE(found.ok());
  EXPECT_TRUE(found->has_value());
}

TEST(ProcessTest, AnotherOfTheSameNumberIsNot) {
  for (int change = 0; change < 4; ++change) {
    ProcessIdentity other = *IdentifyProcess(::getpid());
    if (change == 0) other.boot_id = "00000000-0000-0000-0000-000000000000";
    if (change == 1) other.start_time += 1;
    if (change == 2) other.inode = other.inode.value_or(0) + 1;
    if (change == 3) other.pid = 4194303;
    const auto found = OpenProcess(other);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_FALSE(found->has_value()) << change;
  }
}

// As written by a version that knew none.
TEST(ProcessTest, WithoutAnInodeItIsNotCompared) {
  ProcessIdentity me = *IdentifyProcess(::getpid());
  me.inode.reset();
  EXPECT_TRUE(OpenProcess(me)->has_value());
}

TEST(ProcessTest, AZombieIsGone) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  const ProcessIdentity identity = *IdentifyProcess(child);
  ::kill(child, SIGKILL);
  siginfo_t ended;
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(OpenProcess(identity)->has_value());
  EXPECT_TRUE(absl::IsNotFound(IdentifyProcess(child).status()));
  ::waitpid(child, nullptr, 0);
  EXPECT_FALSE(OpenProcess(identity)->has_value());
}

TEST(SignalTest, IsReadAsPeopleWriteIt) {
  for (const char* text : {"TERM", "SIGTERM", "sigterm", "15"}) {
    EXPECT_EQ(*ParseSignal(text), SIGTERM) << text;
  }
  EXPECT_EQ(*ParseSignal("RTMIN+1"), 35);
  EXPECT_EQ(*ParseSignal("64"), 64);
  for (const char* text : {"", "0", "65", "-1", "SIG", "NOPE", "9x", "RTMAX+1"}) {
    EXPECT_FALSE(ParseSignal(text).ok()) << text;
  }
}

}  // namespace
}  // namespace stave::base
