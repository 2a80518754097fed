// SPDX-License-Identifier: Apache-2.0
#include "libs/store/name.h"

#include <set>
#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::store {
namespace {

TEST(CheckNameTest, TakesDockersNames) {
  for (const std::string& name : {std::string("web"), std::string("a"), std::string("A1"),
                                  std::string("a_.-"), std::string("0.x"), std::string(255, 'a')}) {
    EXPECT_TRUE(CheckName(name).ok()) << name;
  }
}

TEST(CheckNameTest, RefusesOthersWithDockersText) {
  for (const std::string& name :
       {std::string(""), std::string("_"), std::string("_a"), std::string("-a"),
        std::string("../x"), std::string("a/b"), std::string("a b"), std::string("a\n"),
        std::string("a\0b", 3), std::string("\xc3\xa4\xc3\xa4"), std::string(256, 'a')}) {
    const absl::Status refused = CheckName(name);
    EXPECT_EQ(base::ErrorWord(refused), "E_NAME") << name;
    EXPECT_TRUE(absl::StartsWith(refused.message(), "Invalid container name ("));
  }
}

TEST(RandomNameTest, IsValidAndVaries) {
  std::set<std::string> names;
  for (int i = 0; i < 2000; ++i) {
    const std::string name = RandomName();
    EXPECT_TRUE(CheckName(name).ok()) << name;
    EXPECT_NE(name.find('_'), std::string::npos);
    EXPECT_NE(name, "boring_wozniak");
    names.insert(name);
  }
  EXPECT_GT(names.size(), 1500u);
}

TEST(RandomNameTest, CanBeUnruffledRide) {
  bool unruffled = false;
  bool ride = false;
  for (int i = 0; i < 20000 && !(unruffled && ride); ++i) {
    const std::string name = RandomName();
    unruffled = unruffled || absl::StartsWith(name, "unruffled_");
    ride = ride || absl::EndsWith(name, "_ride");
  }
  EXPECT_TRUE(unruffled && ride);
}

}  // namespace
}  // namespace stave::store
