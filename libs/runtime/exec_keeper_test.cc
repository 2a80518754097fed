// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/exec_keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/posix.h"
#include "libs/base/unique_fd.h"
#include "libs/runtime/foreground.h"
#include "libs/runtime/launch.h"

namespace stave::runtime {
namespace {

// More than a terminal that nobody reads takes.
constexpr size_t kMuch = size_t{1} << 20;

struct Pty {
  base::UniqueFd master, slave;
  Pty() {
    master = base::UniqueFd(::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
    EXPECT_EQ(::grantpt(master.get()), 0);
    EXPECT_EQ(::unlockpt(master.get()), 0);
    char name[64];
    EXPECT_EQ(::ptsname_r(master.get(), name, sizeof name), 0);
    slave = base::UniqueFd(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
    EXPECT_TRUE(slave.valid());
  }
};

// A child that writes to `to` and exits with 7.
Launched Start(int to) {
  Launched launched;
  launched.pid = ::fork();
  if (launched.pid == 0) {
    ::_exit(base::WriteAll(to, std::string(kMuch, 'x'), "terminal").ok() ? 7 : 1);
  }
  launched.pidfd = base::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, launched.pid, 0)));
  return launched;
}

TEST(AttendTest, ReadsReapsAndTells) {
  Pty pty;
  Launched launched = Start(pty.slave.get());
  pty.slave.Reset();
  launched.terminal = std::move(pty.master);
  std::vector<int> codes;

  Attend(&launched, [&codes](const Ended& ended) { codes.push_back(ended.code); });

  EXPECT_EQ(codes, std::vector<int>{7});
  EXPECT_FALSE(launched.terminal.valid());
}

TEST(AttendTest, NeedsNoTerminal) {
  const base::UniqueFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  Launched launched = Start(null.get());
  std::vector<int> codes;

  Attend(&launched, [&codes](const Ended& ended) { codes.push_back(ended.code); });

  EXPECT_EQ(codes, std::vector<int>{7});
}

TEST(LeaveReaderTest, ReadsUntilNobodyHasItOpen) {
  Pty pty;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);  // not close-on-exec: what it must not keep
  const base::UniqueFd reader(ends[0]);
  base::UniqueFd writer(ends[1]);

  ASSERT_TRUE(LeaveReader(pty.master.get()).ok());

  writer.Reset();
  EXPECT_EQ(*base::ReadAll(reader.get(), 1, "pipe"), "");
  pty.master.Reset();
  EXPECT_TRUE(base::WriteAll(pty.slave.get(), std::string(kMuch, 'x'), "terminal").ok());
  pollfd hung{pty.slave.get(), 0, 0};
  EXPECT_EQ(::poll(&hung, 1, 0), 0);
}

}  // namespace
}  // namespace stave::runtime
