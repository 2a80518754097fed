// SPDX-License-Identifier: Apache-2.0
#include "libs/base/unix_socket.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace stave::base {
namespace {

using ::testing::HasSubstr;

TEST(ConnectUnix, ReachesASocketBehindALongPath) {
  std::string folder = ::testing::TempDir();
  ASSERT_EQ(::chdir(folder.c_str()), 0);
  const std::string long_name(100, 'd');
  ::mkdir(long_name.c_str(), 0700);
  ASSERT_EQ(::chdir(long_name.c_str()), 0);
  ::unlink("s");
  const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  ::strcpy(at.sun_path, "s");  // lint: a literal that fits
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  EXPECT_TRUE(ConnectUnix(folder + "/" + long_name + "/s").ok());
  EXPECT_TRUE(ConnectUnix("s").ok());
}

TEST(ConnectUnix, TellsWhatIsNotThere) {
  EXPECT_THAT(std::string(ConnectUnix("/nonexistent/s").status().message()),
              HasSubstr("/nonexistent/s: open the folder of the socket: No such file"));
  EXPECT_FALSE(ConnectUnix("/tmp/").ok());
}

}  // namespace
}  // namespace stave::base
