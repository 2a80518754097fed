// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/env_file.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::oci {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST(EnvFileTest, LinesAreVariables) {
  EXPECT_THAT(*ParseEnvFile("A=1\n\n  # no\n#no\n\tB=a b=\"c\" \nC=\nD\n"),
              ElementsAre("A=1", "B=a b=\"c\" ", "C=", "D"));
}

TEST(EnvFileTest, LastLineMarksAndOtherLineEnds) {
  EXPECT_THAT(*ParseEnvFile("\xEF\xBB\xBF"
                            "A=1\r\nB=2"),
              ElementsAre("A=1", "B=2"));
  EXPECT_THAT(*ParseEnvFile(""), IsEmpty());
  EXPECT_THAT(*ParseEnvFile("\n\n"), IsEmpty());
}

TEST(EnvFileTest, WhatIsNoVariableNamesItsLine) {
  for (const absl::string_view text :
       {absl::string_view("A=1\n=2\n"), absl::string_view("A=1\nB C=2\n"),
        absl::string_view("A=1\nB C\n"), absl::string_view("A=1\nB =2"),
        absl::string_view("A=1\nB=\0", 8)}) {
    const absl::Status status = ParseEnvFile(text).status();
    EXPECT_EQ(base::ErrorWord(status), "E_USAGE") << text;
    EXPECT_THAT(std::string(status.message()), StartsWith("line 2: "));
  }
}

TEST(EnvFileTest, OfAPath) {
  EXPECT_TRUE(absl::IsNotFound(ReadEnvFile("/none/such").status()));
  EXPECT_THAT(*ReadEnvFile("/dev/null"), IsEmpty());
  const absl::Status status = ReadEnvFile("/proc/self/mountinfo").status();
  EXPECT_THAT(std::string(status.message()), StartsWith("/proc/self/mountinfo: line 1: "));
}

}  // namespace
}  // namespace stave::oci
