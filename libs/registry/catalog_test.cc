// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/catalog.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/http/test_server.h"

namespace stave::registry {
namespace {

using Texts = std::vector<std::string>;

TEST(CatalogTest, ReadsPageAfterPage) {
  http::TestServer server(
      {{"/v2/", http::Answer("{}")},
       {"/v2/_catalog?n=1000",
        http::Answer(R"({"repositories":["a/web","b"]})",
                     "Link: </v2/_catalog?last=b&n=1000>; rel=\"next\"\r\n")},
       {"/v2/_catalog?last=b&n=1000", http::Answer(R"({"repositories":["c/webs","../web"]})")}});
  const std::string address = server.Address("");
  ClientOptions options;
  options.http.user_agent = "stave/test";
  options.back_off = absl::Milliseconds(1);
  Client client(address.substr(address.rfind('/') + 1), "", options);

  const auto all = SearchCatalog(client, "web", 25);
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(*all, (Texts{"a/web", "c/webs"}));
  EXPECT_EQ(*SearchCatalog(client, "", 2), (Texts{"a/web", "b"}));
}

TEST(CatalogTest, WhatIsNoCatalogIsRefused) {
  for (const char* text : {"", "{}", "[]", R"({"repositories":"x"})"}) {
    EXPECT_EQ(base::ErrorWord(ParseCatalog(text).status()), "E_REMOTE") << text;
  }
  EXPECT_TRUE(ParseCatalog(R"({"repositories":null})")->empty());
}

TEST(CatalogTest, TheNextPageIsOfTheSameRegistry) {
  EXPECT_EQ(NextPage("</v2/_catalog?last=x>; rel=\"next\""), "_catalog?last=x");
  EXPECT_EQ(NextPage("<https://r.io/v2/_catalog?last=x>; rel=\"next\""), "_catalog?last=x");
  EXPECT_EQ(NextPage("</v2/_catalog?last=x>; rel=\"prev\""), "");
  EXPECT_EQ(NextPage("</elsewhere>; rel=\"next\""), "");
  EXPECT_EQ(NextPage("> rel=\"next\" <"), "");
  EXPECT_EQ(NextPage(""), "");
}

}  // namespace
}  // namespace stave::registry
