// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-monitor/clients.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <list>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/posix.h"
#include "libs/base/unique_fd.h"
#include "libs/monitor/channel.h"
#include "libs/testutil/temp_dir.h"

namespace stave::tools {
namespace {

// An entrance with `kMany` who want to come in, and descriptors for half of them.
class EntranceTest : public testing::Test {
 protected:
  static constexpr size_t kMany = 40;

  void SetUp() override {
    auto listener = monitor::Listen(folder_.get());
    ASSERT_TRUE(listener.ok()) << listener.status();
    entrance_.Open(*std::move(listener));
    for (size_t i = 0; i < kMany; ++i) {
      auto client = monitor::Connect(folder_.get());
      ASSERT_TRUE(client.ok()) << client.status();
      outside_.push_back(*std::move(client));
    }
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
  }
  void TearDown() override { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }

  // More than there are now.
  void Allow(int more) {
    const base::UniqueFd next(::dup(folder_.get()));
    const rlimit limit{static_cast<rlim_t>(next.get() + more), before_.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  }
  // How many of them came in; -1: nobody is looked for.
  int Turn() {
    std::vector<pollfd> polls;
    entrance_.AddTo(inside_.size(), &polls);
    if (polls[0].fd < 0) return -1;
    ::poll(polls.data(), polls.size(), 0);
    const size_t before = inside_.size();
    entrance_.Serve(polls, &inside_);
    return static_cast<int>(inside_.size() - before);
  }

  const testutil::TempDir dir_;
  const base::UniqueFd folder_{::open(dir_.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  Entrance entrance_;
  std::vector<base::UniqueFd> outside_;
  std::list<Client> inside_;
  rlimit before_{};
};

TEST_F(EntranceTest, SomeDescriptorsAreLeftAndWhoComesThenWaits) {
  Allow(kMany / 2);
  const int first = Turn();
  EXPECT_GT(first, 0);
  EXPECT_LT(first, static_cast<int>(kMany / 2));
  EXPECT_EQ(Turn(), -1);
  std::vector<base::UniqueFd> spare;
  for (int i = 0; i < 16; ++i) spare.emplace_back(::dup(folder_.get()));
  EXPECT_TRUE(spare.back().valid());
  spare.clear();

  for (int i = 0; i < 3; ++i) {
    inside_.pop_front();
    EXPECT_EQ(Turn(), 1);
    EXPECT_EQ(Turn(), -1);
  }
  Allow(3 * kMany);
  inside_.pop_front();
  EXPECT_EQ(Turn(), static_cast<int>(kMany) - first - 3);
  EXPECT_EQ(Turn(), 0);
}

TEST_F(EntranceTest, OneIsServedEvenOfTheLast) {
  Allow(4);
  EXPECT_EQ(Turn(), 1);
  EXPECT_EQ(Turn(), -1);
  inside_.clear();
  EXPECT_EQ(Turn(), 1);
}

TEST_F(EntranceTest, WithoutADescriptorItIsTriedAgainLater) {
  Allow(0);
  EXPECT_EQ(Turn(), 0);
  EXPECT_EQ(Turn(), -1);
  EXPECT_GE(entrance_.deadline().PollTimeout(), 0);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0);
  ::poll(nullptr, 0, entrance_.deadline().PollTimeout());
  EXPECT_EQ(Turn(), static_cast<int>(kMany));
  EXPECT_EQ(entrance_.deadline().PollTimeout(), -1);
}

TEST_F(EntranceTest, AStreamIsNotGivenFromWhatIsLeft) {
  EXPECT_EQ(Turn(), static_cast<int>(kMany));
  Allow(8);
  EXPECT_EQ(inside_.front().Attach(monitor::AttachWish(), false),
            base::PosixError(EMFILE, "streams", "pipe"));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0);
  EXPECT_TRUE(inside_.back().Attach(monitor::AttachWish(), false).ok());
}

}  // namespace
}  // namespace stave::tools
