// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/by_monitor.h"

#include <signal.h>
#include <sys/socket.h>

#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/unique_fd.h"
#include "libs/monitor/channel.h"
#include "libs/store/container.h"
#include "libs/store/pending.h"
#include "libs/store/store.h"
#include "libs/testutil/temp_dir.h"

namespace stave::runtime {
namespace {

class ByMonitorTest : public ::testing::Test {
 protected:
  ByMonitorTest()
      : store_(*store::Store::OpenRoots({dir_.path() + "/state", dir_.path() + "/run"},
                                        store::Access::kWrite)),
        pending_(*store::Pending::Reserve(store_, {.name = "web"})) {}

  const store::Container& container() const { return pending_.container(); }

  // What a monitor does with its first client: `serve` gets the client's wish and socket.
  template <typename F>
  std::thread Monitor(F serve) {
    auto listener = monitor::Listen(container().run());
    EXPECT_TRUE(listener.ok()) << listener.status();
    return std::thread([listener = *std::move(listener), serve] {
      int client = -1;
      while (client < 0) client = ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC);
      const base::UniqueFd socket(client);
      const auto wish = monitor::ReceiveRequest(socket.get(), 0);
      ASSERT_TRUE(wish.ok()) << wish.status();
      serve(*wish, socket.get());
    });
  }
  static void Tell(int socket, const monitor::Answer& answer) {
    EXPECT_TRUE(monitor::Send(socket, answer).ok());
  }

  testutil::TempDir dir_;
  store::Store store_;
  store::Pending pending_;
  bool begun_ = false;
  const std::function<void()> begin_ = [this] { begun_ = true; };
};

TEST_F(ByMonitorTest, WithoutOneItIsLeftToTheCaller) {
  EXPECT_EQ(*StopByMonitor(container(), SIGTERM, absl::ZeroDuration(), begin_), false);
  EXPECT_EQ(*SignalByMonitor(container(), SIGKILL), false);
  EXPECT_FALSE(begun_);
}

TEST_F(ByMonitorTest, ADeadOneIsNone) {
  ASSERT_TRUE(monitor::Listen(container().run()).ok());  // closed again
  EXPECT_EQ(*StopByMonitor(container(), SIGTERM, absl::ZeroDuration(), begin_), false);
}

TEST_F(ByMonitorTest, StopsAndWaitsForTheEnd) {
  std::thread monitor = Monitor([](const monitor::Request& wish, int socket) {
    const auto* stop = std::get_if<monitor::StopWish>(&wish);
    ASSERT_NE(stop, nullptr);
    EXPECT_EQ(stop->signal, SIGINT);
    EXPECT_EQ(stop->timeout, absl::InfiniteDuration());
    Tell(socket, monitor::Done{});
    Tell(socket, monitor::Ended{0});
  });
  EXPECT_EQ(*StopByMonitor(container(), SIGINT, absl::InfiniteDuration(), begin_), true);
  EXPECT_TRUE(begun_);
  monitor.join();
}

TEST_F(ByMonitorTest, OneThatDiesOverItHasNotDoneIt) {
  std::thread monitor =
      Monitor([](const monitor::Request&, int socket) { Tell(socket, monitor::Done{}); });
  EXPECT_EQ(*StopByMonitor(container(), SIGTERM, absl::InfiniteDuration(), begin_), false);
  EXPECT_TRUE(begun_);
  monitor.join();
}

TEST_F(ByMonitorTest, WhatItRefusesIsTold) {
  std::thread monitor = Monitor([](const monitor::Request&, int socket) {
    Tell(socket, base::Error(absl::StatusCode::kFailedPrecondition, "E_STATE", "not now"));
  });
  const auto refused = SignalByMonitor(container(), SIGHUP);
  EXPECT_EQ(base::ErrorWord(refused.status()), "E_STATE");
  monitor.join();
}

TEST_F(ByMonitorTest, PassesASignalOn) {
  std::thread monitor = Monitor([](const monitor::Request& wish, int socket) {
    const auto* signal = std::get_if<monitor::SignalWish>(&wish);
    ASSERT_NE(signal, nullptr);
    EXPECT_EQ(signal->signal, SIGHUP);
    Tell(socket, monitor::Done{});
  });
  EXPECT_EQ(*SignalByMonitor(container(), SIGHUP), true);
  monitor.join();
}

TEST_F(ByMonitorTest, PassesAPolicyOn) {
  std::thread monitor = Monitor([](const monitor::Request& wish, int socket) {
    const auto* update = std::get_if<monitor::UpdateWish>(&wish);
    ASSERT_NE(update, nullptr);
    EXPECT_EQ(update->restart, "on-failure:3");
    Tell(socket, monitor::Done{});
  });
  EXPECT_EQ(*UpdateByMonitor(container(), "on-failure:3"), true);
  monitor.join();
}

// It is stopped, say: its socket takes the wish, and nobody answers.
TEST_F(ByMonitorTest, OneThatDoesNotAnswerIsDoneWithout) {
  const auto listener = monitor::Listen(container().run());
  ASSERT_TRUE(listener.ok());
  EXPECT_EQ(*StopByMonitor(container(), SIGTERM, absl::InfiniteDuration(), begin_), false);
  EXPECT_FALSE(begun_);
}

}  // namespace
}  // namespace stave::runtime
