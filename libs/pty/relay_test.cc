// SPDX-License-Identifier: Apache-2.0
#include "libs/pty/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/posix.h"
#include "libs/base/unique_fd.h"
#include "libs/pty/detach_keys.h"

namespace stave::pty {
namespace {

struct Pipe {
  base::UniqueFd reader, writer;
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    reader = base::UniqueFd(ends[0]);
    writer = base::UniqueFd(ends[1]);
  }
};

void Round(Relay* relay) {
  std::vector<pollfd> polls;
  relay->AddTo(&polls);
  ASSERT_GE(::poll(polls.data(), polls.size(), 1000), 0);
  relay->Serve(polls);
}

TEST(RelayTest, CopiesAndPassesTheEndOn) {
  Pipe in, out;
  ASSERT_TRUE(base::WriteAll(in.writer.get(), "hello", "pipe").ok());
  in.writer.Reset();
  Relay relay(in.reader.get(), std::move(out.writer), Relay::AtEnd::kClose);

  while (!relay.finished()) Round(&relay);

  EXPECT_EQ(*base::ReadAll(out.reader.get(), 100, "pipe"), "hello");
}

TEST(RelayTest, ReadsNothingWhileTheReaderIsSlow) {
  Pipe in, out;
  ASSERT_GT(::fcntl(out.writer.get(), F_SETPIPE_SZ, 4096), 0);
  ASSERT_TRUE(base::WriteAll(in.writer.get(), std::string(16384, 'x'), "pipe").ok());
  Relay relay(in.reader.get(), std::move(out.writer), Relay::AtEnd::kClose);

  Round(&relay);  // fills the pipe
  Round(&relay);  // holds one piece

  std::vector<pollfd> polls;
  relay.AddTo(&polls);
  EXPECT_EQ(polls[0].events, POLLOUT);
  EXPECT_EQ(::poll(polls.data(), 1, 0), 0);
}

TEST(RelayTest, ABrokenReaderEndsIt) {
  Pipe in, out;
  ASSERT_NE(::signal(SIGPIPE, SIG_IGN), SIG_ERR);
  out.reader.Reset();
  ASSERT_TRUE(base::WriteAll(in.writer.get(), "hello", "pipe").ok());
  Relay relay(in.reader.get(), std::move(out.writer), Relay::AtEnd::kClose);

  Round(&relay);

  EXPECT_TRUE(relay.finished());
  EXPECT_EQ(relay.error(), 0);
}

TEST(RelayTest, AFullDiskIsNoReaderThatIsGone) {
  Pipe in;
  ASSERT_TRUE(base::WriteAll(in.writer.get(), "hello", "pipe").ok());
  base::UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(full.valid());
  Relay relay(in.reader.get(), std::move(full), Relay::AtEnd::kKeep);

  Round(&relay);

  EXPECT_TRUE(relay.broken());
  EXPECT_FALSE(relay.finished());
  EXPECT_EQ(relay.error(), ENOSPC);
}

TEST(RelayTest, ATerminalThatHasHungUpIsAReaderThatIsGone) {
  Pipe in;
  ASSERT_TRUE(base::WriteAll(in.writer.get(), "hello", "pipe").ok());
  base::UniqueFd master(::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(master.valid());
  int unlock = 0;
  ASSERT_EQ(::ioctl(master.get(), TIOCSPTLCK, &unlock), 0);
  base::UniqueFd terminal(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(terminal.valid());
  master.Reset();
  Relay relay(in.reader.get(), std::move(terminal), Relay::AtEnd::kKeep);

  Round(&relay);

  EXPECT_TRUE(relay.broken());
  EXPECT_EQ(relay.error(), 0);
}

TEST(RelayTest, StopsAtKeys) {
  Pipe in, out;
  ASSERT_TRUE(base::WriteAll(in.writer.get(), "before-", "pipe").ok());
  Relay relay(in.reader.get(), std::move(out.writer), Relay::AtEnd::kClose);
  relay.StopAt(*DetachKeys::Parse("-,+"));

  Round(&relay);
  EXPECT_FALSE(relay.stopped());
  ASSERT_TRUE(base::WriteAll(in.writer.get(), "+after", "pipe").ok());
  Round(&relay);

  EXPECT_TRUE(relay.stopped());
  EXPECT_TRUE(relay.finished());
  EXPECT_EQ(*base::ReadAll(out.reader.get(), 100, "pipe"), "before");
}

TEST(RelayTest, KeysThatDoNotComeAreCopied) {
  Pipe in, out;
  ASSERT_TRUE(base::WriteAll(in.writer.get(), "before-", "pipe").ok());
  in.writer.Reset();
  Relay relay(in.reader.get(), std::move(out.writer), Relay::AtEnd::kClose);
  relay.StopAt(*DetachKeys::Parse("-,+"));

  while (!relay.finished()) Round(&relay);

  EXPECT_FALSE(relay.stopped());
  EXPECT_EQ(*base::ReadAll(out.reader.get(), 100, "pipe"), "before-");
}

TEST(RelayTest, DrainTakesWhatIsThere) {
  Pipe in, out;
  ASSERT_TRUE(base::WriteAll(in.writer.get(), "rest", "pipe").ok());
  Relay relay(in.reader.get(), std::move(out.writer), Relay::AtEnd::kKeep);

  relay.Drain();

  char text[8];
  EXPECT_EQ(::read(out.reader.get(), text, sizeof text), 4);
}

}  // namespace
}  // namespace stave::pty
