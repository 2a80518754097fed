// SPDX-License-Identifier: Apache-2.0
#include "libs/base/passing.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "libs/base/unique_fd.h"

namespace stave::base {
namespace {

class PassingTest : public ::testing::Test {
 protected:
  PassingTest() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    mine_ = UniqueFd(ends[0]);
    theirs_ = UniqueFd(ends[1]);
  }

  UniqueFd mine_, theirs_;
};

TEST_F(PassingTest, TextAndDescriptorArrive) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]), writer(ends[1]);

  ASSERT_TRUE(SendMessage(mine_.get(), "hello", writer.get()).ok());
  const auto message = ReceiveMessage(theirs_.get(), 64, 0);

  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->text, "hello");
  EXPECT_EQ(::write(message->fd.get(), "x", 1), 1);
  EXPECT_EQ(::fcntl(message->fd.get(), F_GETFD), FD_CLOEXEC);
}

TEST_F(PassingTest, WithoutADescriptorItIsInvalid) {
  ASSERT_TRUE(SendMessage(mine_.get(), "hello", -1).ok());

  EXPECT_FALSE(ReceiveMessage(theirs_.get(), 64, 0)->fd.valid());
}

// Linux tells a reset before what was said.
TEST_F(PassingTest, TheLastWordOfWhoDidNotListenArrives) {
  ASSERT_TRUE(SendMessage(mine_.get(), "unread", -1).ok());
  ASSERT_TRUE(SendMessage(theirs_.get(), "bye", -1).ok());
  theirs_.Reset();

  EXPECT_EQ(ReceiveMessage(mine_.get(), 64, 0)->text, "bye");
  EXPECT_TRUE(absl::IsAborted(ReceiveMessage(mine_.get(), 64, 0).status()));
}

TEST_F(PassingTest, SilenceAndDepartureAreErrors) {
  EXPECT_TRUE(absl::IsUnavailable(ReceiveMessage(theirs_.get(), 64, MSG_DONTWAIT).status()));
  mine_.Reset();
  EXPECT_TRUE(absl::IsAborted(ReceiveMessage(theirs_.get(), 64, 0).status()));
}

}  // namespace
}  // namespace stave::base
