// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-oci/ps.h"

#include "gtest/gtest.h"

namespace stave::stave_oci {
namespace {

TEST(LinesOfTest, KeepsTheHeaderAndThePids) {
  constexpr absl::string_view kOutput =
      "UID          PID    PPID CMD\nroot           1       0 init\nroot          12       1 sh -c "
      "12\n"
      "12             3       1 sleep\n";
  EXPECT_EQ(*LinesOf(kOutput, {12, 40}),
            "UID          PID    PPID CMD\nroot          12       1 sh -c 12\n");
  EXPECT_EQ(*LinesOf(kOutput, {}), "UID          PID    PPID CMD\n");
}

TEST(LinesOfTest, WithoutPidsThereIsNothingToFind) {
  EXPECT_FALSE(LinesOf("CMD\nsh\n", {1}).ok());
  EXPECT_FALSE(LinesOf("", {1}).ok());
}

}  // namespace
}  // namespace stave::stave_oci
