// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/handover.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/passing.h"
#include "libs/base/posix.h"
#include "libs/testutil/temp_dir.h"

namespace stave::lifecycle {
namespace {

class HandoverTest : public ::testing::Test {
 protected:
  void TearDown() override {
    ::unsetenv("LISTEN_PID");
    ::unsetenv("LISTEN_FDS");
  }
  testutil::TempDir temp_;
  const std::string& dir_ = temp_.path();
};

TEST_F(HandoverTest, APidFileHasNoNewline) {
  const std::string path = dir_ + "/pid";
  ASSERT_TRUE(WritePidFile(path, 1).ok());
  ASSERT_TRUE(WritePidFile(path, 4711).ok());

  EXPECT_EQ(base::ReadFileAt(AT_FDCWD, path, 100).value(), "4711");
}

TEST_F(HandoverTest, APidFileNeedsAPlace) {
  EXPECT_TRUE(absl::IsNotFound(WritePidFile(dir_ + "/missing/pid", 1)));
  EXPECT_EQ(base::ErrorWord(WritePidFile(dir_ + "/", 1)), "E_USAGE");
}

// A listening socket at a path of any length.
base::UniqueFd Listen(const std::string& folder, const std::string& name) {
  const auto dir = base::OpenDirAt(AT_FDCWD, folder);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = absl::StrCat("/proc/self/fd/", dir->get(), "/", name);
  ::memcpy(address.sun_path, path.data(), path.size());
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(fd.get(), 1), 0);
  return fd;
}

TEST_F(HandoverTest, ATerminalGoesThroughALongPath) {
  const std::string folder = dir_ + "/" + std::string(150, 'd');
  ASSERT_EQ(::mkdir(folder.c_str(), 0700), 0);
  const base::UniqueFd listener = Listen(folder, "s");
  base::UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(master.valid());

  HandoverOptions options;
  options.console_socket = folder + "/s";
  options.console_size = {24, 80};
  runtime::Process process;
  process.terminal = true;
  Handover handover;
  const absl::Status connected = handover.Connect(options, Attachment::kDetached, &process);
  ASSERT_TRUE(connected.ok()) << connected;
  EXPECT_EQ(process.columns, 80);
  runtime::Launched launched;
  launched.terminal = std::move(master);
  ASSERT_TRUE(handover.Give(&launched).ok());
  EXPECT_FALSE(launched.terminal.valid());

  const base::UniqueFd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const auto message = base::ReceiveMessage(accepted.get(), 100, 0);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->text.find("/dev/pts/"), 0u);
  EXPECT_TRUE(message->fd.valid());
}

TEST_F(HandoverTest, ASocketThatIsNotThere) {
  HandoverOptions options;
  runtime::Process process;
  Handover handover;
  options.pidfd_socket = dir_ + "/s";
  EXPECT_TRUE(absl::IsNotFound(handover.Connect(options, Attachment::kForeground, &process)));
  options.pidfd_socket = dir_ + "/" + std::string(200, 'x');
  EXPECT_FALSE(handover.Connect(options, Attachment::kForeground, &process).ok());
}

TEST_F(HandoverTest, DescriptorsOfOurOwnAreNotPreserved) {
  EXPECT_EQ(CheckInherited(0)->count(), 0);
  EXPECT_EQ(base::ErrorWord(CheckInherited(-1).status()), "E_USAGE");
  EXPECT_EQ(base::ErrorWord(CheckInherited(1 << 30).status()), "E_USAGE");
  // 3 is somebody's here or nobody's; a high number is nobody's.
  EXPECT_EQ(base::ErrorWord(CheckInherited(100000).status()), "E_USAGE");
}

TEST_F(HandoverTest, SocketsOfAnotherProcessAreNotOurs) {
  ::setenv("LISTEN_FDS", "1", 1);
  ::setenv("LISTEN_PID", "1", 1);

  EXPECT_EQ(CheckInherited(0)->listening, 0);
}

TEST(CheckConsoleTest, TerminalAndSocketGoTogether) {
  EXPECT_TRUE(CheckConsole(true, "/s", Attachment::kDetached).ok());
  EXPECT_TRUE(CheckConsole(false, "", Attachment::kDetached).ok());
  EXPECT_TRUE(CheckConsole(true, "", Attachment::kForeground).ok());
  EXPECT_FALSE(CheckConsole(true, "", Attachment::kDetached).ok());
  EXPECT_FALSE(CheckConsole(false, "/s", Attachment::kDetached).ok());
  EXPECT_FALSE(CheckConsole(true, "/s", Attachment::kForeground).ok());
}

}  // namespace
}  // namespace stave::lifecycle
