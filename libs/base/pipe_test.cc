// SPDX-License-Identifier: Apache-2.0
#include "libs/base/pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace stave::base {
namespace {

TEST(PipeTest, WhatIsWrittenIsReadAndNoProgramInheritsIt) {
  auto pipe = MakePipe("test");
  ASSERT_TRUE(pipe.ok()) << pipe.status();
  EXPECT_EQ(::fcntl(pipe->reader.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(::fcntl(pipe->writer.get(), F_GETFD), FD_CLOEXEC);
  ASSERT_EQ(::write(pipe->writer.get(), "x", 1), 1);
  pipe->writer.Reset();
  char got[2];
  EXPECT_EQ(::read(pipe->reader.get(), got, sizeof got), 1);
  EXPECT_EQ(::read(pipe->reader.get(), got, sizeof got), 0);
}

}  // namespace
}  // namespace stave::base
