// SPDX-License-Identifier: Apache-2.0
#include "libs/http/transfer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/unique_fd.h"
#include "libs/http/url.h"

namespace stave::http {
namespace {

// Answers each request on loopback with the bytes for its path, then closes the connection.
class Server {
 public:
  using Answers = std::map<std::string, std::string>;
  explicit Server(Answers answers) : answers_(std::move(answers)) {
    listener_ = base::UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(listener_.get(), 16);
    socklen_t size = sizeof address;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~Server() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }

  void Set(const std::string& path, const std::string& answer) {
    const std::lock_guard<std::mutex> lock(mutex_);
    answers_[path] = answer;
  }
  std::string Address(const std::string& path) const {
    return absl::StrCat("http://127.0.0.1:", port_, path);
  }
  std::vector<std::string> Requests() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return requests_;
  }

 private:
  void Serve() {
    while (true) {
      const base::UniqueFd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!peer.valid()) return;
      std::string request;
      char buffer[4096];
      while (!absl::StrContains(request, "\r\n\r\n")) {
        const ssize_t n = ::read(peer.get(), buffer, sizeof buffer);
        if (n <= 0) break;
        request.append(buffer, static_cast<size_t>(n));
      }
      const size_t start = request.find(' ');
      if (start == std::string::npos) continue;
      const std::string path = request.substr(start + 1, request.find(' ', start + 1) - start - 1);
      const std::lock_guard<std::mutex> lock(mutex_);
      requests_.push_back(request);
      const std::string answer = answers_.count(path) ? answers_[path] : "HTTP/1.1 404 No\r\n\r\n";
      ::send(peer.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
    }
  }

  std::map<std::string, std::string> answers_;
  base::UniqueFd listener_;
  int port_ = 0;
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

std::string Answer(const std::string& body, const std::string& headers = "") {
  return absl::StrCat("HTTP/1.1 200 OK\r\n", headers, "Content-Length: ", body.size(),
                      "\r\nConnection: close\r\n\r\n", body);
}

std::string Redirect(const std::string& to) {
  return absl::StrCat("HTTP/1.1 307 Go\r\nLocation: ", to,
                      "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

Options Plain() { return Options{.user_agent = "stave/test", .trace = nullptr}; }

Request Get(const std::string& address) {
  return Request{.url = *ParseUrl(address),
                 .headers = {},
                 .authorization = "",
                 .head = nullptr,
                 .body = nullptr};
}

TEST(ConnectionTest, BodyHeadersAndUserAgent) {
  Server server({{"/a", Answer("hello", "X-Thing:  v \r\n")}});
  Connection connection(Plain());

  const auto response = connection.Perform(Get(server.Address("/a")));

  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "hello");
  EXPECT_EQ(response->Header("x-thing"), "v");
  EXPECT_TRUE(absl::StrContains(server.Requests()[0], "User-Agent: stave/test\r\n"));
  EXPECT_FALSE(absl::StrContains(server.Requests()[0], "Accept-Encoding"));
}

TEST(ConnectionTest, BodiesAreBounded) {
  Server server({{"/a", Answer(std::string(100, 'x'))}});
  Connection connection(Plain());
  Request request = Get(server.Address("/a"));
  request.max_body = 99;

  EXPECT_EQ(base::ErrorWord(connection.Perform(request).status()), "E_LIMIT");
}

TEST(ConnectionTest, HeadersAreBounded) {
  std::string many;
  for (int i = 0; i < 600; ++i) absl::StrAppend(&many, "X-", i, ": y\r\n");
  Server server(
      {{"/a", Answer("x", many)}, {"/b", Answer("x", "X: " + std::string(150000, 'y') + "\r\n")}});
  Connection connection(Plain());

  EXPECT_FALSE(connection.Perform(Get(server.Address("/a"))).ok());
  EXPECT_FALSE(connection.Perform(Get(server.Address("/b"))).ok());
}

TEST(ConnectionTest, TheSinkTakesTheBodyAfterTheHead) {
  Server server({{"/a", Answer("hello")}});
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
  Server server(Server::Answers{{"/a", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"}});
  Connection connection(Plain());

  EXPECT_EQ(base::ErrorWord(connection.Perform(Get(server.Address("/a"))).status()), "E_REMOTE");
}

TEST(ConnectionTest, AnUnaskedCodingIsRefused) {
  Server server({{"/a", Answer("hello", "Content-Encoding: gzip\r\n")}});
  Connection connection(Plain());

  EXPECT_EQ(base::ErrorWord(connection.Perform(Get(server.Address("/a"))).status()), "E_REMOTE");
}

TEST(ConnectionTest, WhatIsNoHttpIsRefused) {
  Server server(Server::Answers{{"/a", "\x15\x03\x01 rubbish"}});
  Connection connection(Plain());

  EXPECT_EQ(base::ErrorWord(connection.Perform(Get(server.Address("/a"))).status()), "E_REMOTE");
}

TEST(ConnectionTest, CredentialsStayWithTheirOrigin) {
  Server other({{"/b", Answer("far")}});
  Server server({{"/here", Answer("near")}});
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
  Server server({{"/loop", Redirect("/loop")}});
  Connection connection(Plain());

  const auto response = connection.Perform(Get(server.Address("/loop")));

  EXPECT_EQ(base::ErrorWord(response.status()), "E_REDIRECT");
  EXPECT_EQ(server.Requests().size(), 11u);
}

TEST(ConnectionTest, StrangeLocationsAreRefused) {
  Server server({{"/none", "HTTP/1.1 302 Go\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
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
