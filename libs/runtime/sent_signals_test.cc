// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/sent_signals.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "libs/base/unique_fd.h"

namespace stave::runtime {
namespace {

TEST(SentSignalsTest, WhoIsBehindASocket) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  const base::UniqueFd one(ends[0]), two(ends[1]);

  const auto asker = AskerBehind(one.get());

  ASSERT_TRUE(asker.has_value());
  EXPECT_EQ(asker->pid, ::getpid());
  EXPECT_EQ(asker->uid, ::getuid());
  EXPECT_FALSE(AskerBehind(-1).has_value());
}

TEST(SentSignalsTest, AreNotedWithTheNameOfTheProgram) {
  std::vector<store::SentSignal> sent;

  NoteSignal(SIGTERM, "stop", Asker{::getpid(), 0}, &sent);
  NoteSignal(SIGKILL, "timeout", std::nullopt, &sent);
  NoteSignal(SIGWINCH, "signal", std::nullopt, &sent);

  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].why, "stop");
  EXPECT_EQ(sent[0].name, "sent_signals_te");  // as much as the kernel keeps
  EXPECT_FALSE(sent[1].pid.has_value());
}

TEST(SentSignalsTest, TheLastAreKept) {
  std::vector<store::SentSignal> sent;
  for (int i = 1; i <= 20; ++i) {
    if (i != SIGCHLD && i != SIGCONT) NoteSignal(i, "signal", std::nullopt, &sent);
  }

  EXPECT_EQ(sent.size(), store::kMaxSentSignals);
  EXPECT_EQ(sent.back().signal, 20);
}

}  // namespace
}  // namespace stave::runtime
