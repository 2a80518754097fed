// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/nearest.h"

#include "gtest/gtest.h"

namespace stave::cli {
namespace {

constexpr absl::string_view kNames[] = {"rm", "memory", "memory-swap", "env"};

TEST(NearestTest, OneLetterOfAShortWordTwoOfALongOne) {
  EXPECT_EQ(Nearest("memroy", kNames), "memory");
  EXPECT_EQ(Nearest("enw", kNames), "env");
  EXPECT_EQ(Nearest("xyz", kNames), "");
  EXPECT_EQ(Nearest("mxxory", kNames), "memory");
  EXPECT_EQ(Nearest("mxxxry", kNames), "");
}

TEST(NearestTest, TwoNeighboursExchangedAreOneLetter) {
  EXPECT_EQ(Nearest("nev", kNames), "env");
  EXPECT_EQ(Nearest("mr", kNames), "rm");
  EXPECT_EQ(Nearest("mmeroyx", kNames), "");
}

TEST(NearestTest, TheBeginningOfANameIsNearest) {
  EXPECT_EQ(Nearest("memory-", kNames), "memory-swap");
  EXPECT_EQ(Nearest("mem", kNames), "memory");
  EXPECT_EQ(Nearest("", kNames), "");
}

}  // namespace
}  // namespace stave::cli
