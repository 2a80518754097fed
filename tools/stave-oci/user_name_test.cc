// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-oci/user_name.h"

#include "gtest/gtest.h"

namespace stave::stave_oci {
namespace {

TEST(UserNameTest, TheFirstLineWithTheUid) {
  constexpr absl::string_view kPasswd =
      "bad\n:x:7:7::/:\nroot:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/root:\nweb:x:33:33::/:\n";
  EXPECT_EQ(UserName(kPasswd, 0), "root");
  EXPECT_EQ(UserName(kPasswd, 33), "web");
  EXPECT_EQ(UserName(kPasswd, 7), "#7");
  EXPECT_EQ(UserName("", 0), "#0");
}

}  // namespace
}  // namespace stave::stave_oci
