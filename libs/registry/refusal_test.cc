// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/refusal.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/http/transfer.h"
#include "libs/http/url.h"

namespace stave::registry {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(784887151);

absl::Status Refuse(const http::Response& response) {
  return RefusalOf(response, *http::ParseUrl("https://reg.example/v2/"), "log in", kNow);
}

http::Response Answer(int status, const std::string& body = "") {
  http::Response response;
  response.status = status;
  response.url = *http::ParseUrl("https://reg.example/v2/a/manifests/1");
  response.body = body;
  return response;
}

std::string Body(const std::string& code, const std::string& message) {
  return R"({"errors":[{"code":")" + code + R"(","message":")" + message + R"("}]})";
}

TEST(RefusalTest, NotFoundInThreeWays) {
  EXPECT_EQ(Refuse(Answer(404)).message(), "not found in the registry");
  EXPECT_EQ(Refuse(Answer(404, Body("NAME_UNKNOWN", "x"))).message(),
            "the registry has no such repository");
  EXPECT_EQ(Refuse(Answer(404, Body("MANIFEST_UNKNOWN", "x"))).message(),
            "the repository has no such image");
  EXPECT_EQ(base::ErrorWord(Refuse(Answer(404))), "E_NOT_FOUND");
}

TEST(RefusalTest, DeniedQuotesAndHints) {
  const absl::Status status = Refuse(Answer(403, Body("DENIED", "no \\u001b[31m entry")));

  EXPECT_EQ(base::ErrorWord(status), "E_DENIED");
  EXPECT_EQ(status.message(), "the registry denies access: no \\x1b[31m entry");
  EXPECT_EQ(base::ErrorHint(status), "log in");
}

TEST(RefusalTest, TheRateLimitSaysWhatIsLeftAndWhenToComeBack) {
  http::Response response = Answer(429, Body("TOOMANYREQUESTS", "slow down"));
  response.headers = {{"retry-after", "3600"},
                      {"ratelimit-limit", "100;w=21600"},
                      {"ratelimit-remaining", "0;w=21600"}};
  const absl::Status status = Refuse(response);

  EXPECT_EQ(base::ErrorWord(status), "E_RATE");
  EXPECT_EQ(status.message(),
            "the registry allows no more requests for now: slow down; 0 of 100 pulls in 6h are "
            "left; try again in 1h");
  EXPECT_EQ(base::ErrorHint(status),
            "a login may be allowed more: registry-login reg.example; or pull from a mirror");
}

TEST(RefusalTest, WhatIsNoErrorListIsNotQuoted) {
  for (const char* body :
       {"<html>", "[]", R"({"errors":{}})", R"({"errors":[1]})", R"({"errors":[{"message":5}]})"}) {
    EXPECT_EQ(Refuse(Answer(500, body)).message(), "the registry answers with status 500") << body;
  }
}

TEST(RefusalTest, TheAnswerOfAnotherPlaceIsToldAsItsOwn) {
  http::Response response = Answer(403);
  response.url = *http::ParseUrl("https://cdn.example/x?signature=secret");
  const absl::Status status = Refuse(response);

  EXPECT_EQ(base::ErrorWord(status), "E_REMOTE");
  EXPECT_EQ(status.message(),
            "https://cdn.example, where the registry sends us, answers with status 403");
}

TEST(WarningsTest, OnlyThoseOfTheSpecification) {
  http::Response response = Answer(200);
  response.headers = {{"warning", R"(299 - "going \"away\"")"},
                      {"warning", R"(199 - "x")"},
                      {"warning", "299 - nothing"},
                      {"warning", "299 - \"\x1b[31m\""}};

  EXPECT_EQ(WarningsOf(response), (std::vector<std::string>{R"(going \"away\")", R"(\x1b[31m)"}));
}

TEST(LoginCommandTest, DockerHubNeedsNoName) {
  EXPECT_EQ(LoginCommand("registry-1.docker.io"), "registry-login");
  EXPECT_EQ(LoginCommand("quay.io"), "registry-login quay.io");
}

}  // namespace
}  // namespace stave::registry
