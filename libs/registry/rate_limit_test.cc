// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/rate_limit.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/http/transfer.h"

namespace stave::registry {
namespace {

http::Response Answer(const std::string& limit, const std::string& remaining,
                      const std::string& source = "") {
  http::Response response;
  response.headers = {{"ratelimit-limit", limit}, {"ratelimit-remaining", remaining}};
  if (!source.empty()) response.headers.emplace_back("docker-ratelimit-source", source);
  return response;
}

TEST(RateLimitTest, AsDockerHubTellsIt) {
  const auto told = ParseRateLimit(Answer("100;w=21600", "7;w=21600", "192.0.2.1"));

  ASSERT_TRUE(told.has_value());
  EXPECT_TRUE(told->IsLow());
  EXPECT_EQ(told->ToString(), "7 of 100 pulls in 6h are left, counted for 192.0.2.1");
}

TEST(RateLimitTest, LowIsATenth) {
  EXPECT_FALSE(ParseRateLimit(Answer("100", "11"))->IsLow());
  EXPECT_TRUE(ParseRateLimit(Answer("100", "10"))->IsLow());
  EXPECT_EQ(ParseRateLimit(Answer("100", "1"))->ToString(), "1 of 100 pulls is left");
}

TEST(RateLimitTest, WhatTellsNothing) {
  EXPECT_FALSE(ParseRateLimit(http::Response()).has_value());
  EXPECT_FALSE(ParseRateLimit(Answer("many", "1")).has_value());
  EXPECT_FALSE(ParseRateLimit(Answer("100", "-1")).has_value());
  EXPECT_FALSE(ParseRateLimit(Answer("0", "0")).has_value());
}

TEST(RateLimitTest, TheSourceIsMadePrintable) {
  const auto told = ParseRateLimit(Answer("100", "7", "\x1b[31m"));

  EXPECT_EQ(told->source.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace stave::registry
