// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/secret.h"

#include <sstream>

#include "gtest/gtest.h"

namespace stave::registry {
namespace {

TEST(SecretTest, DoesNotPrint) {
  std::ostringstream out;
  out << Secret("hunter2");
  EXPECT_EQ(out.str(), "***");
  EXPECT_EQ(testing::PrintToString(Secret("hunter2")), "***");
}

TEST(SecretTest, RevealsOnlyWhenAsked) {
  Secret secret("hunter2");
  const Secret copy = secret;
  secret = Secret();
  EXPECT_TRUE(secret.empty());
  EXPECT_EQ(copy.Reveal(), "hunter2");
  EXPECT_EQ(copy, Secret("hunter2"));
}

}  // namespace
}  // namespace stave::registry
