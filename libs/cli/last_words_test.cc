// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/last_words.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include <exception>
#include <limits>
#include <system_error>
#include <vector>

#include "gtest/gtest.h"

namespace stave::cli {
namespace {

using ::testing::ExitedWithCode;
using ::testing::KilledBySignal;

// noexcept: what gtest would catch otherwise.
void TooMuch() noexcept {
  std::vector<char> most(static_cast<size_t>(std::numeric_limits<ptrdiff_t>::max()));
  ::_exit(most.empty() ? 3 : 4);
}

// As std::thread does.
void NoMoreThreads() {
  throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
}
void TooManyThreads() noexcept { NoMoreThreads(); }

TEST(LastWordsDeathTest, OutOfMemory) {
  EXPECT_EXIT(SetLastWords("some-program", 1);
              TooMuch(), ExitedWithCode(1), "^some-program: out of memory \\[E_NO_MEMORY\\]\n$");
}

TEST(LastWordsDeathTest, NoThread) {
  EXPECT_EXIT(SetLastWords("some-program", 125);
              TooManyThreads(), ExitedWithCode(125),
              "^some-program: a thread: cannot be started \\[E_NO_MEMORY\\]\n$");
}

TEST(LastWordsDeathTest, WhatIsNoSuchErrorAborts) {
  EXPECT_EXIT(SetLastWords("some-program", 1); std::terminate(), KilledBySignal(SIGABRT), "");
}

}  // namespace
}  // namespace stave::cli
