// SPDX-License-Identifier: Apache-2.0
#include "libs/http/www_authenticate.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/http/url.h"

namespace stave::http {
namespace {

TEST(ParseChallengesTest, Bearer) {
  const auto found = ParseChallenges(
      R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push")");

  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ((*found)[0].scheme, "bearer");
  EXPECT_EQ((*found)[0].Get("realm"), "https://auth.docker.io/token");
  EXPECT_EQ((*found)[0].Get("scope"), "repository:a/b:pull,push");
  EXPECT_EQ((*found)[0].Get("nothing"), "");
}

TEST(ParseChallengesTest, SeveralInOneLine) {
  const auto found = ParseChallenges(R"(Basic realm="a, b \"c\"" , BEARER Realm=x , service = y)");

  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[0].Get("realm"), "a, b \"c\"");
  EXPECT_EQ((*found)[1].scheme, "bearer");
  EXPECT_EQ((*found)[1].Get("realm"), "x");
  EXPECT_EQ((*found)[1].Get("service"), "y");
}

TEST(ParseChallengesTest, Token68AndBareSchemesAreStepsOnTheWay) {
  const auto found = ParseChallenges(R"(Negotiate a2V5==, Digest, Basic realm="x")");

  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->size(), 3u);
  EXPECT_EQ((*found)[2].Get("realm"), "x");
}

TEST(ParseChallengesTest, NothingIsNoChallenge) {
  ASSERT_TRUE(ParseChallenges("").ok());
  EXPECT_TRUE(ParseChallenges(" , ,")->empty());
}

TEST(ParseChallengesTest, HostileLinesAreRefused) {
  std::string many = "Bearer a0=b";
  for (int i = 1; i < 100; ++i) many += ",a" + std::to_string(i) + "=b";
  std::string schemes;
  for (int i = 0; i < 50; ++i) schemes += "Basic realm=x,";
  for (const std::string& line :
       {std::string("Bearer realm=\"x"), std::string("Bearer realm=\"x\\"),
        std::string("Bearer realm=,x=\"y"), std::string("Bearer realm=\"x\" service=\"y\""),
        std::string("Bearer realm=\"x\",realm=\"y\""), std::string("=x"),
        std::string("realm=\"x\""), std::string("Bearer \"x\""), std::string("Bearer a b c"),
        std::string("Bearer realm=\"\x01\""), std::string("B\0r", 3), many, schemes,
        std::string(65536, 'a'), std::string("Bearer realm=\"x\"; q=1")}) {
    const auto found = ParseChallenges(line);
    EXPECT_FALSE(found.ok()) << line.substr(0, 80);
    if (!found.ok()) {
      EXPECT_EQ(base::ErrorWord(found.status()), "E_AUTH");
    }
  }
}

TEST(CheckRealmTest, HttpsElsewhereIsFine) {
  const Url registry = *ParseUrl("https://registry-1.docker.io/");

  EXPECT_TRUE(CheckRealm("https://auth.docker.io/token", registry).ok());
}

TEST(CheckRealmTest, InwardAndPlainAddressesAreRefused) {
  const Url registry = *ParseUrl("https://registry.example/");

  for (const char* realm :
       {"http://auth.example/token", "https://169.254.169.254/latest", "https://127.0.0.1/t",
        "https://[::1]/t", "https://localhost/t", "https://10.0.0.1/t", "file:///etc/passwd", "",
        "https://u:p@auth.example/"}) {
    EXPECT_FALSE(CheckRealm(realm, registry).ok()) << realm;
  }
}

TEST(CheckRealmTest, ThePlainRegistrysOwnHostMayBePlain) {
  const Url registry = *ParseUrl("http://127.0.0.1:5000/");

  EXPECT_TRUE(CheckRealm("http://127.0.0.1:5001/token", registry).ok());
  EXPECT_FALSE(CheckRealm("http://auth.example/token", registry).ok());
  EXPECT_FALSE(CheckRealm("http://127.0.0.2/token", registry).ok());
}

}  // namespace
}  // namespace stave::http
