// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/search.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/http/test_server.h"

namespace stave::registry {
namespace {

TEST(SearchTest, AsksForTheTermAndReadsWhatComes) {
  http::TestServer server(
      {{"/v1/search?q=a%20b&n=7",
        http::Answer(R"({"results":[{"name":"alpine","description":"d","star_count":5,)"
                     R"("is_official":true},{"description":"nameless"},{"name":"x/y"}]})")}});
  http::Options options;
  options.user_agent = "stave/test";
  http::Connection connection(options);

  const auto results = SearchIndex(connection, *http::ParseUrl(server.Address("/")), "a b", 7);

  ASSERT_TRUE(results.ok()) << results.status();
  ASSERT_EQ(results->size(), 2u);
  EXPECT_EQ((*results)[0].name, "alpine");
  EXPECT_EQ((*results)[0].description, "d");
  EXPECT_EQ((*results)[0].stars, 5);
  EXPECT_TRUE((*results)[0].is_official);
  EXPECT_EQ((*results)[1].name, "x/y");
  EXPECT_FALSE((*results)[1].is_official);
}

TEST(SearchTest, ARefusalIsTold) {
  http::TestServer server({});
  http::Options options;
  options.user_agent = "stave/test";
  http::Connection connection(options);

  const auto results = SearchIndex(connection, *http::ParseUrl(server.Address("/")), "x", 25);

  EXPECT_FALSE(results.ok());
}

TEST(SearchTest, WhatIsNoListIsRefused) {
  for (const char* text : {"", "[]", "{}", R"({"results":5})", "<html>"}) {
    EXPECT_EQ(base::ErrorWord(ParseSearchAnswer(text).status()), "E_REMOTE") << text;
  }
  EXPECT_TRUE(ParseSearchAnswer(R"({"results":null})")->empty());
  EXPECT_EQ((*ParseSearchAnswer(R"({"results":[{"name":"a","star_count":"x"}]})"))[0].stars, 0);
}

}  // namespace
}  // namespace stave::registry
