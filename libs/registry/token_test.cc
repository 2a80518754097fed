// SPDX-License-Identifier: Apache-2.0
#include "libs/image/bearer_token.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/http/transfer.h"
#include "libs/http/url.h"

namespace stave::image {
namespace {

std::string WordOf401(const std::string& challenge) {
  http::Connection connection({.user_agent = "stave/test", .trace = nullptr});
  http::Response refused;
  refused.status = 401;
  refused.url = *http::ParseUrl("https://registry.example/v2/");
  if (!challenge.empty()) refused.headers.emplace_back("www-authenticate", challenge);
  BearerToken token("library/x");
  return base::ErrorWord(token.Renew(connection, refused, ""));
}

TEST(ParseTokenAnswerTest, BothSpellings) {
  EXPECT_EQ(*ParseTokenAnswer(R"({"token":"abc","expires_in":300})"), "abc");
  EXPECT_EQ(*ParseTokenAnswer(R"({"access_token":"abc"})"), "abc");
  EXPECT_EQ(*ParseTokenAnswer(R"({"token":"","access_token":"abc"})"), "abc");
}

TEST(ParseTokenAnswerTest, WhatIsNoTokenIsRefusedAndNotRepeated) {
  const std::string huge = "{\"token\":\"" + std::string(70000, 'a') + "\"}";
  for (const std::string& json :
       {std::string(""), std::string("[]"), std::string("{}"), std::string(R"({"token":5})"),
        std::string(R"({"token":"secret\r\nX: y"})"), std::string(R"({"token":"sec ret"})"),
        std::string("<html>secret"), huge}) {
    const auto token = ParseTokenAnswer(json);
    ASSERT_FALSE(token.ok()) << json.substr(0, 60);
    EXPECT_EQ(base::ErrorWord(token.status()), "E_AUTH");
    EXPECT_EQ(token.status().message().find("sec"), absl::string_view::npos);
  }
}

TEST(BearerTokenTest, ChallengesThatCannotBeFollowed) {
  EXPECT_EQ(WordOf401(""), "E_AUTH");
  EXPECT_EQ(WordOf401("Bearer realm=\"unterminated"), "E_AUTH");
  EXPECT_EQ(WordOf401("Basic realm=\"x\""), "E_DENIED");
  EXPECT_EQ(WordOf401("Bearer realm=\"http://169.254.169.254/\""), "E_AUTH");
  EXPECT_EQ(WordOf401("Bearer realm=\"https://127.0.0.1:1/\""), "E_AUTH");
  EXPECT_EQ(WordOf401("Bearer service=\"x\""), "E_URL");
}

TEST(BearerTokenTest, NoTokenNoHeader) {
  BearerToken token("library/x");

  EXPECT_EQ(token.Authorization(), "");
}

TEST(BearerTokenTest, WhatAnotherThreadRenewedIsNotAskedForAgain) {
  http::Connection connection({.user_agent = "stave/test", .trace = nullptr});
  BearerToken token("library/x");

  EXPECT_TRUE(token.Renew(connection, http::Response(), "Bearer older").ok());
}

}  // namespace
}  // namespace stave::image
