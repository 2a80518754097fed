// SPDX-License-Identifier: Apache-2.0
#include "libs/image/progress.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "libs/base/unique_fd.h"
#include "libs/oci/digest.h"

namespace stave::image {
namespace {

class ProgressTest : public ::testing::Test {
 protected:
  ProgressTest() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) {
      read_ = base::UniqueFd(ends[0]);
      write_ = base::UniqueFd(ends[1]);
    }
  }
  std::string Written() {
    char text[4096];
    const ssize_t n = ::read(read_.get(), text, sizeof text);
    return n <= 0 ? "" : std::string(text, static_cast<size_t>(n));
  }
  const oci::Digest layer_ = oci::DigestOf("{}");  // sha256:44136fa355b3..
  base::UniqueFd read_, write_;
};

TEST_F(ProgressTest, EachChangeIsALine) {
  Progress progress(write_.get(), ProgressStyle::kLines);

  progress.Line("latest: Pulling from library/x");
  progress.Set(layer_, "Pulling fs layer");
  progress.Bytes(layer_, 1, 2);
  progress.Set(layer_, "Pull complete");

  EXPECT_EQ(Written(),
            "latest: Pulling from library/x\n44136fa355b3: Pulling fs layer\n"
            "44136fa355b3: Pull complete\n");
}

TEST_F(ProgressTest, ATerminalsLineIsRewritten) {
  Progress progress(write_.get(), ProgressStyle::kTerminal);

  progress.Set(layer_, "Pulling fs layer");
  progress.Set(oci::DigestOf(""), "Waiting");
  progress.Set(layer_, "Pull complete");

  EXPECT_EQ(Written(),
            "44136fa355b3: Pulling fs layer\ne3b0c44298fc: Waiting\n"
            "\x1b[2A\r\x1b[2K44136fa355b3: Pull complete\r\x1b[2B");
}

TEST_F(ProgressTest, QuietIsQuiet) {
  Progress progress(write_.get(), ProgressStyle::kNone);

  progress.Line("x");
  progress.Set(layer_, "x");
  progress.Bytes(layer_, 1, 2);

  EXPECT_EQ(Written(), "");
}

TEST_F(ProgressTest, WhatIsShownAtOnceFitsTheTerminal) {
  const base::UniqueFd terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  winsize size = {};
  size.ws_row = 5;
  ASSERT_EQ(::ioctl(terminal.get(), TIOCSWINSZ, &size), 0);
  Progress small(terminal.get(), ProgressStyle::kTerminal);
  EXPECT_TRUE(small.Fits(3));
  EXPECT_FALSE(small.Fits(4));
  EXPECT_TRUE(Progress(terminal.get(), ProgressStyle::kLines).Fits(100));
  EXPECT_TRUE(Progress(write_.get(), ProgressStyle::kTerminal).Fits(100));
}

TEST_F(ProgressTest, APipeIsNoTerminal) {
  EXPECT_EQ(ProgressStyleFor(write_.get()), ProgressStyle::kLines);
}

}  // namespace
}  // namespace stave::image
