// SPDX-License-Identifier: Apache-2.0
#include "libs/store/failures.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/store/test_store.h"

namespace stave::store {
namespace {

Failure Of(const std::string& name, const std::string& message) {
  Failure failure;
  failure.name = name;
  failure.exit.code = 127;
  failure.exit.error = StartError{absl::FromUnixSeconds(10), "E_NOT_FOUND", "", message, ""};
  return failure;
}

class FailuresTest : public StoreTest {};

TEST_F(FailuresTest, TheLatestOfANameIsFound) {
  AppendFailure(store(), Of("web", "one"));
  AppendFailure(store(), Of("web", "two\n\"three\""));
  AppendFailure(store(), Of("other", "four"));

  const auto found = FindFailure(store(), "web");

  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->exit.error->message, "two\n\"three\"");
  EXPECT_EQ(found->exit.code, 127);
  EXPECT_EQ(found->exit.error->time, absl::FromUnixSeconds(10));
  EXPECT_FALSE(FindFailure(store(), "we").has_value());
}

TEST_F(FailuresTest, DamageIsPassedOver) {
  AppendFailure(store(), Of("web", "one"));
  Write("run/failures.json", Read("run/failures.json") + "{\"name\":\"web\"}\nrubbish\n\n{");

  EXPECT_EQ(FindFailure(store(), "web")->exit.error->message, "one");
  EXPECT_EQ(base::ErrorWord(ParseFailure("rubbish").status()), "E_CORRUPT");
  EXPECT_EQ(base::ErrorWord(ParseFailure("{\"name\":\"a\",\"exit\":{}}").status()), "E_CORRUPT");
}

TEST_F(FailuresTest, ItIsBounded) {
  const std::string text(60000, 'x');
  for (int i = 0; i < 20; ++i) AppendFailure(store(), Of("web", text));
  AppendFailure(store(), Of("web", "last"));

  EXPECT_LT(Read("run/failures.json").size(), size_t{400000});
  EXPECT_EQ(FindFailure(store(), "web")->exit.error->message, "last");
}

}  // namespace
}  // namespace stave::store
