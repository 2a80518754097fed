// SPDX-License-Identifier: Apache-2.0
#include "libs/http/transfer.h"

#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/http/test_server.h"
#include "libs/http/url.h"

namespace stave::http {
namespace {

Options Plain() {
  Options options;
  options.user_agent = "stave/test";
  return options;
}

Request Get(const std::string& address) {
  Request request;
  request.url = *ParseUrl(address);
  return request;
}

TEST(ConnectionTest, BodyHeadersAndUserAgent) {
  TestServer server({{"/a", Answer("hello", "X-Thing:  v \r\n")}});
  Connection connection(Plain());

  const auto response = connection.Perform(Get(server.Address("/a")));

  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "hello");
  EXPECT_EQ(response->Header("x-thing"), "v");
  EXPECT_TRUE(absl::StrContains(server.Requests()[0], "User-Agent: stave/test\r\n"));
  EXPECT_TRUE(absl::StrContains(server.Requests()[0], "Accept-Encoding: identity\r\n"));
}

TEST(ConnectionTest, BodiesAreBounded) {
  TestServer server({{"/a", Answer(std::string(100, 'x'))}});
  Connection connection(Plain());
  Request request = Get(server.Address("/a"));
  request.max_body = 99;

  EXPECT_EQ(base::ErrorWord(connection.Perform(request).status()), "E_LIMIT");
}

TEST(ConnectionTest, HeadersAreBounded) {
  std::string many;
  for (int i = 0; i < 600; ++i) absl::StrAppend(&many, "X-", i, ": y\r\n");
  TestServer server(
      {{"/a", Answer("x", many)}, {"/b", Answer("x", "X: " + std::string(150000, 'y') + "\r\n")}});
  Connection connection(Plain());

  EXPECT_FALSE(connection.Perform(Get(server.Address("/a"))).ok());
  EXPECT_FALSE(connection.Perform(Get(server.Address("/b"))).ok());
}

TEST(ConnectionTest, TheSinkTakesTheBodyAfterTheHead) {
  TestServer server({{"/a", Answer("hello")}});
  Connection connection(Plain());
  std::string order;
  Request request = Get(server.Address("/a"));
  request.head = [&](const Response& head) {
    absl::StrAppend(&order, head.status, ":");
    return absl::OkStatus();
  };
  request.body = [&](absl::string_view data) {
    absl::StrAppend(&order, data);
    return absl::OkStatus();
  };

  const auto response = connection.Perform(request);

  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(order, "200:hello");
  EXPECT_EQ(response->body, "");
}

TEST(ConnectionTest, ATruncatedBodyIsAnError) {
  TestServer server(
      TestServer::Answers{{"/a", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"}});
  Connection connection(Plain());

  EXPECT_EQ(base::ErrorWord(connection.Perform(Get(server.Address("/a"))).status()), "E_REMOTE");
}

TEST(ConnectionTest, AnUnaskedCodingIsRefused) {
  TestServer server({{"/a", Answer("hello", "Content-Encoding: gzip\r\n")}});
  Connection connection(Plain());

  EXPECT_EQ(base::ErrorWord(connection.Perform(Get(server.Address("/a"))).status()), "E_REMOTE");
}

TEST(ConnectionTest, WhatIsNoHttpIsRefused) {
  TestServer server(TestServer::Answers{{"/a", "\x15\x03\x01 rubbish"}});
  Connection connection(Plain());

  EXPECT_EQ(base::ErrorWord(connection.Perform(Get(server.Address("/a"))).status()), "E_REMOTE");
}

TEST(ConnectionTest, CredentialsStayWithTheirOrigin) {
  TestServer other({{"/b", Answer("far")}});
  TestServer server({{"/here", Answer("near")}});
  server.Set("/same", Redirect("/here"));
  server.Set("/far", Redirect(other.Address("/b")));
  Connection connection(Plain());
  Request near = Get(server.Address("/same"));
  near.authorization = "Bearer secret";
  Request far = Get(server.Address("/far"));
  far.authorization = "Bearer secret";

  ASSERT_EQ(connection.Perform(near)->body, "near");
  ASSERT_EQ(connection.Perform(far)->body, "far");

  EXPECT_TRUE(absl::StrContains(server.Requests()[1], "Authorization: Bearer secret"));
  EXPECT_FALSE(absl::StrContains(other.Requests()[0], "secret"));
}

TEST(ConnectionTest, RedirectsAreCounted) {
  TestServer server({{"/loop", Redirect("/loop")}});
  Connection connection(Plain());

  const auto response = connection.Perform(Get(server.Address("/loop")));

  EXPECT_EQ(base::ErrorWord(response.status()), "E_REDIRECT");
  EXPECT_EQ(server.Requests().size(), 11u);
}

TEST(ConnectionTest, StrangeLocationsAreRefused) {
  TestServer server({{"/none", "HTTP/1.1 302 Go\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
                     {"/file", Redirect("file:///etc/passwd")},
                     {"/plain", Redirect("http://registry.example/x")}});
  Connection connection(Plain());

  for (const char* path : {"/none", "/file", "/plain"}) {
    EXPECT_EQ(base::ErrorWord(connection.Perform(Get(server.Address(path))).status()), "E_REDIRECT")
        << path;
  }
}

TEST(ConnectionTest, PlainHttpIsForThisMachine) {
  Connection connection(Plain());

  EXPECT_EQ(base::ErrorWord(connection.Perform(Get("http://192.0.2.1/")).status()), "E_PLAIN_HTTP");
}

TEST(ConnectionTest, NobodyThere) {
  Connection connection(Plain());

  EXPECT_EQ(base::ErrorWord(connection.Perform(Get("http://127.0.0.1:1/")).status()), "E_CONNECT");
}

}  // namespace
}  // namespace stave::http
