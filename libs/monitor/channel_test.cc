// SPDX-License-Identifier: Apache-2.0
#include "libs/monitor/channel.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <variant>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::monitor {
namespace {

class ChannelTest : public ::testing::Test {
 protected:
  ChannelTest() {
    auto pair = MakePair();
    EXPECT_TRUE(pair.ok()) << pair.status();
    client_ = std::move(pair->client);
    monitor_ = std::move(pair->monitor);
  }

  Request Asked(const Request& request) {
    EXPECT_TRUE(Send(client_.get(), request).ok());
    auto got = ReceiveRequest(monitor_.get(), 0);
    EXPECT_TRUE(got.ok()) << got.status();
    return got.ok() ? *got : Request();
  }
  Answer Told(const Answer& answer, int fd = -1) {
    EXPECT_TRUE(Send(monitor_.get(), answer, fd).ok());
    auto got = ReceiveAnswer(client_.get());
    EXPECT_TRUE(got.ok()) << got.status();
    if (!got.ok()) return {};
    fd_ = std::move(got->fd);
    return got->answer;
  }

  base::UniqueFd client_, monitor_, fd_;
};

TEST_F(ChannelTest, WhatIsAskedArrives) {
  const auto attach =
      std::get<AttachWish>(Asked(AttachWish{true, true, false, true, true, {7, 9}}));
  EXPECT_TRUE(attach.in && attach.out && !attach.err && attach.holds && attach.ends_input);
  EXPECT_EQ(attach.size.rows, 7);
  EXPECT_EQ(attach.size.columns, 9);
  EXPECT_EQ(std::get<TerminalSize>(Asked(TerminalSize{50, 60})).columns, 60);
  const auto stop = std::get<StopWish>(Asked(StopWish{absl::Milliseconds(1500), 3}));
  EXPECT_EQ(stop.timeout, absl::Milliseconds(1500));
  EXPECT_EQ(stop.signal, 3);
  EXPECT_EQ(std::get<StopWish>(Asked(StopWish{absl::InfiniteDuration(), 0})).timeout,
            absl::InfiniteDuration());
  EXPECT_EQ(std::get<SignalWish>(Asked(SignalWish{9})).signal, 9);
  EXPECT_EQ(std::get<UpdateWish>(Asked(UpdateWish{"always"})).restart, "always");
}

TEST_F(ChannelTest, WhatIsAnsweredArrives) {
  EXPECT_EQ(std::get<StreamGiven>(Told(StreamGiven{2}, 0)).number, 2);
  EXPECT_TRUE(fd_.valid());
  EXPECT_TRUE(std::get<Done>(Told(Done{true})).terminal);
  EXPECT_EQ(std::get<Ended>(Told(Ended{137})).code, 137);
  EXPECT_EQ(std::get<Ended>(Told(Ended{})).code, std::nullopt);
  const auto refused = std::get<absl::Status>(
      Told(base::WithHint(base::Error(absl::StatusCode::kNotFound, "E_X", "no such"), "look")));
  EXPECT_EQ(base::ErrorWord(refused), "E_X");
  EXPECT_EQ(refused.message(), "no such");
  EXPECT_EQ(base::ErrorHint(refused), "look");
}

TEST_F(ChannelTest, WhoGoesIsNoticed) {
  monitor_.Reset();
  EXPECT_TRUE(absl::IsAborted(ReceiveAnswer(client_.get()).status()));
}

TEST_F(ChannelTest, WhatIsNoMessageIsRefused) {
  for (const std::string& text :
       {std::string("\xff\xff"), std::string("\x08\x01"), std::string("x")}) {
    ASSERT_GT(::send(client_.get(), text.data(), text.size(), 0), 0);
    EXPECT_FALSE(ReceiveRequest(monitor_.get(), 0).ok());
  }
  ASSERT_EQ(::send(client_.get(), "\x08\x02", 2, 0), 2);
  EXPECT_EQ(base::ErrorWord(ReceiveRequest(monitor_.get(), 0).status()), "E_VERSION");
}

TEST_F(ChannelTest, ASocketFileIsFoundThroughItsFolder) {
  std::string folder = std::string(::getenv("TEST_TMPDIR")) + "/" + std::string(100, 'x');
  ASSERT_EQ(::mkdir(folder.c_str(), 0700), 0);
  const base::UniqueFd run(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  EXPECT_TRUE(absl::IsNotFound(Connect(run.get()).status()));
  {
    auto listening = Listen(run.get());
    ASSERT_TRUE(listening.ok()) << listening.status();
    EXPECT_TRUE(Connect(run.get()).ok());
  }
  EXPECT_TRUE(absl::IsNotFound(Connect(run.get()).status())) << "its monitor has died";
  EXPECT_TRUE(Listen(run.get()).ok());
}

}  // namespace
}  // namespace stave::monitor
