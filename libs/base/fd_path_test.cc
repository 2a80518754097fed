// SPDX-License-Identifier: Apache-2.0
#include "libs/base/fd_path.h"

#include <fcntl.h>

#include "gtest/gtest.h"
#include "libs/base/unique_fd.h"

namespace stave::base {
namespace {

TEST(FdPathTest, LeadsWhereTheLinkLed) {
  const UniqueFd file(::open("/proc/self/../uptime", O_PATH | O_CLOEXEC));
  ASSERT_TRUE(file.valid());

  EXPECT_EQ(FdPath(file.get(), "file").value(), "/proc/uptime");
}

TEST(FdPathTest, NamesWhatIsNotOpen) {
  EXPECT_EQ(FdPath(-1, "file").status().message(), "file: resolve: No such file or directory");
}

}  // namespace
}  // namespace stave::base
