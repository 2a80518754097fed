// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/token.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/unique_fd.h"
#include "libs/http/transfer.h"
#include "libs/http/url.h"
#include "libs/registry/credential.h"
#include "libs/registry/secret.h"

namespace stave::registry {
namespace {

std::string Answer(int status, const std::string& body, const std::string& header = "") {
  return absl::StrCat("HTTP/1.1 ", status, " x\r\n", header, "Content-Length: ", body.size(),
                      "\r\nConnection: close\r\n\r\n", body);
}

// A token server on loopback: `answer` gets the whole request, head and body.
class Server {
 public:
  using Handler = std::function<std::string(const std::string&)>;
  explicit Server(Handler handler) : handler_(std::move(handler)) {
    listener_ = base::UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(listener_.get(), 16);
    socklen_t size = sizeof address;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    host_ = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
    thread_ = std::thread([this] { Serve(); });
  }
  ~Server() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  const std::string& host() const { return host_; }
  std::vector<std::string> requests() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return requests_;
  }

 private:
  static bool Whole(const std::string& request) {
    const size_t end = request.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const size_t length = request.find("Content-Length: ");
    int size = 0;
    if (length != std::string::npos) {
      const size_t stop = request.find('\r', length);
      EXPECT_TRUE(absl::SimpleAtoi(request.substr(length + 16, stop - length - 16), &size));
    }
    return request.size() >= end + 4 + static_cast<size_t>(size);
  }
  void Serve() {
    while (true) {
      const base::UniqueFd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!peer.valid()) return;
      std::string request;
      char buffer[4096];
      while (!Whole(request)) {
        const ssize_t n = ::read(peer.get(), buffer, sizeof buffer);
        if (n <= 0) break;
        request.append(buffer, static_cast<size_t>(n));
      }
      const std::lock_guard<std::mutex> lock(mutex_);
      requests_.push_back(request);
      const std::string answer = handler_(request);
      ::send(peer.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
    }
  }

  Handler handler_;
  base::UniqueFd listener_;
  std::string host_;
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

http::Response Refused(const std::string& url, const std::string& challenge) {
  http::Response refused;
  refused.status = 401;
  refused.url = *http::ParseUrl(url);
  if (!challenge.empty()) refused.headers.emplace_back("www-authenticate", challenge);
  return refused;
}

class AuthorizerTest : public testing::Test {
 protected:
  AuthorizerTest() : connection_(http::Options()) {
    options_.host = "registry.example";
    options_.scopes = {"repository:library/x:pull"};
    options_.back_off = absl::Milliseconds(1);
    options_.clock = [this] { return now_; };
  }
  void Login(const Credential& login) {
    options_.credential = [login] { return std::optional<Credential>(login); };
  }
  std::string Word(const std::string& challenge) {
    Authorizer authorizer(options_);
    return base::ErrorWord(
        authorizer.Renew(connection_, Refused("https://registry.example/v2/", challenge), ""));
  }
  absl::Status Renew(Authorizer& authorizer, const Server& server, const std::string& more = "") {
    const std::string root = absl::StrCat("http://", server.host());
    return authorizer.Renew(connection_,
                            Refused(root + "/v2/", absl::StrCat("Bearer realm=\"", root,
                                                                "/token\",service=\"s/1\"", more)),
                            *authorizer.Header(connection_));
  }

  http::Connection connection_;
  AuthorizerOptions options_;
  absl::Duration now_ = absl::Hours(1);
};

TEST(ParseTokenAnswerTest, BothSpellings) {
  EXPECT_EQ(ParseTokenAnswer(R"({"token":"abc"})")->token.Reveal(), "abc");
  EXPECT_EQ(ParseTokenAnswer(R"({"access_token":"abc"})")->token.Reveal(), "abc");
  EXPECT_EQ(ParseTokenAnswer(R"({"token":"","access_token":"abc"})")->token.Reveal(), "abc");
}

TEST(ParseTokenAnswerTest, LifetimesHaveAFloorAndADefault) {
  for (const auto& [text, lifetime] : std::vector<std::pair<std::string, absl::Duration>>{
           {"", absl::Minutes(1)},
           {",\"expires_in\":0", absl::Minutes(1)},
           {",\"expires_in\":-5", absl::Minutes(1)},
           {",\"expires_in\":59", absl::Minutes(1)},
           {",\"expires_in\":300", absl::Minutes(5)},
           {",\"expires_in\":\"x\"", absl::Minutes(1)},
           {",\"expires_in\":null", absl::Minutes(1)},
           {",\"expires_in\":9007199254740992", absl::Hours(24)},
           {",\"expires_in\":1e300", absl::Minutes(1)}}) {
    EXPECT_EQ(ParseTokenAnswer("{\"token\":\"t\"" + text + "}")->lifetime, lifetime) << text;
  }
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

TEST(ParseTokenServersTest, Pairs) {
  const auto servers = ParseTokenServers("Reg.io=auth.io, reg.io=b.io:8443,c.io:5000=d.io,");
  ASSERT_TRUE(servers.ok()) << servers.status();
  EXPECT_EQ(servers->count("reg.io"), 2u);
  EXPECT_EQ(servers->find("c.io:5000")->second, "d.io");
  EXPECT_TRUE(ParseTokenServers("")->empty());
  for (const char* bad : {"reg.io", "=a", "a=", "a=b=c", "a=https://b", "a=b/c", "a=b:x"}) {
    EXPECT_FALSE(ParseTokenServers(bad).ok()) << bad;
  }
}

TEST_F(AuthorizerTest, ChallengesThatCannotBeFollowed) {
  EXPECT_EQ(Word(""), "E_AUTH");
  EXPECT_EQ(Word("Bearer realm=\"unterminated"), "E_AUTH");
  EXPECT_EQ(Word("Negotiate"), "E_AUTH");
  EXPECT_EQ(Word("Basic realm=\"x\""), "E_DENIED");
  EXPECT_EQ(Word("Bearer service=\"x\""), "E_URL");
  for (const char* realm :
       {"http://registry.example/", "http://169.254.169.254/", "https://169.254.169.254/",
        "https://127.0.0.1:1/", "https://[::1]/", "https://10.0.0.1/", "https://localhost/"}) {
    EXPECT_EQ(Word(absl::StrCat("Bearer realm=\"", realm, "\"")), "E_AUTH") << realm;
  }
  EXPECT_EQ(Word("Bearer realm=\"file:///etc/passwd\""), "E_URL");
}

TEST_F(AuthorizerTest, NothingIsSentBeforeItIsAskedFor) {
  Login({"ann", Secret("pw"), Secret()});
  Authorizer authorizer(options_);
  EXPECT_EQ(*authorizer.Header(connection_), "");
}

TEST_F(AuthorizerTest, AFailingSourceIsAskedOnceAndFailsAlways) {
  int asked = 0;
  options_.credential = [&asked]() -> absl::StatusOr<std::optional<Credential>> {
    ++asked;
    return base::Error(absl::StatusCode::kInternal, "E_HELPER", "broken");
  };
  Authorizer authorizer(options_);
  EXPECT_EQ(base::ErrorWord(authorizer.Prepare()), "E_HELPER");
  EXPECT_EQ(base::ErrorWord(authorizer.Header(connection_).status()), "E_HELPER");
  EXPECT_EQ(asked, 1);
}

TEST_F(AuthorizerTest, BasicIsUsedOnce) {
  Login({"ann", Secret("p:w"), Secret()});
  Authorizer authorizer(options_);
  const auto refused = Refused("https://registry.example/v2/", "Basic realm=\"x\"");
  ASSERT_TRUE(authorizer.Renew(connection_, refused, "").ok());
  EXPECT_EQ(*authorizer.Header(connection_), "Basic YW5uOnA6dw==");
  const auto again = authorizer.Renew(connection_, refused, "Basic YW5uOnA6dw==");
  EXPECT_EQ(base::ErrorWord(again), "E_DENIED");
  EXPECT_NE(base::ErrorHint(again).find("registry-login registry.example"), std::string::npos);
  EXPECT_EQ(again.message().find("p:w"), std::string::npos);
}

TEST_F(AuthorizerTest, WhatAnotherThreadRenewedIsNotAskedForAgain) {
  Authorizer authorizer(options_);
  EXPECT_TRUE(authorizer.Renew(connection_, http::Response(), "Bearer older").ok());
}

TEST_F(AuthorizerTest, AnonymousAndWithAPassword) {
  Server server([](const std::string&) { return Answer(200, R"({"token":"t1"})"); });
  {
    Authorizer authorizer(options_);
    ASSERT_TRUE(Renew(authorizer, server).ok());
    EXPECT_EQ(*authorizer.Header(connection_), "Bearer t1");
  }
  Login({"ann", Secret("pw"), Secret()});
  Authorizer authorizer(options_);
  ASSERT_TRUE(Renew(authorizer, server).ok());
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_TRUE(absl::StartsWith(
      requests[0],
      "GET /token?service=s%2f1&scope=repository%3alibrary%2fx%3apull&client_id=stave HTTP/1.1"))
      << requests[0];
  EXPECT_FALSE(absl::StrContains(requests[0], "Authorization"));
  EXPECT_TRUE(absl::StrContains(requests[1], "&account=ann "));
  EXPECT_TRUE(absl::StrContains(requests[1], "Authorization: Basic YW5uOnB3\r\n"));
}

TEST_F(AuthorizerTest, AnIdentityTokenIsPosted) {
  Server server([](const std::string&) { return Answer(200, R"({"access_token":"t1"})"); });
  Login({"ann", Secret(), Secret("id/1")});
  options_.scopes.push_back("repository:b:pull,push");
  Authorizer authorizer(options_);
  ASSERT_TRUE(Renew(authorizer, server).ok());
  EXPECT_EQ(*authorizer.Header(connection_), "Bearer t1");
  const std::string request = server.requests()[0];
  EXPECT_TRUE(absl::StartsWith(request, "POST /token HTTP/1.1")) << request;
  EXPECT_TRUE(absl::StrContains(request, "application/x-www-form-urlencoded"));
  EXPECT_TRUE(absl::EndsWith(
      request,
      "\r\n\r\ngrant_type=refresh_token&service=s%2f1&client_id=stave"
      "&scope=repository%3alibrary%2fx%3apull%20repository%3ab%3apull%2cpush&refresh_token=id%2f1"))
      << request;
  EXPECT_FALSE(absl::StrContains(request, "Authorization"));
}

TEST_F(AuthorizerTest, AServerThatKnowsNoPostIsAskedWithGet) {
  for (const int status : {404, 405}) {
    Server server([status](const std::string& request) {
      return absl::StartsWith(request, "POST") ? Answer(status, "")
                                               : Answer(200, R"({"token":"t1"})");
    });
    Login({"", Secret(), Secret("id")});
    Authorizer authorizer(options_);
    ASSERT_TRUE(Renew(authorizer, server).ok());
    // "<token>:id"
    EXPECT_TRUE(absl::StrContains(server.requests()[1], "Authorization: Basic PHRva2VuPjppZA=="))
        << server.requests()[1];
  }
}

TEST_F(AuthorizerTest, ATokenIsRenewedWhenItsTimeIsOver) {
  int count = 0;
  Server server([&count](const std::string&) {
    return Answer(200, absl::StrCat("{\"token\":\"t", ++count, "\",\"expires_in\":100}"));
  });
  Authorizer authorizer(options_);
  ASSERT_TRUE(Renew(authorizer, server).ok());
  now_ += absl::Seconds(99);
  EXPECT_EQ(*authorizer.Header(connection_), "Bearer t1");
  now_ += absl::Seconds(1);
  EXPECT_EQ(*authorizer.Header(connection_), "Bearer t2");
  now_ += absl::Seconds(99);
  EXPECT_EQ(*authorizer.Header(connection_), "Bearer t2");
}

TEST_F(AuthorizerTest, MoreScopesOnlyForInsufficientScope) {
  Server server([](const std::string&) { return Answer(200, R"({"token":"t1"})"); });
  Authorizer authorizer(options_);
  ASSERT_TRUE(Renew(authorizer, server, ",scope=\"repository:y:pull\"").ok());
  ASSERT_TRUE(
      Renew(authorizer, server, ",error=\"insufficient_scope\",scope=\"a:b:c repository:y:pull\"")
          .ok());
  const auto requests = server.requests();
  EXPECT_FALSE(absl::StrContains(requests[0], "%3ay%3a"));
  EXPECT_TRUE(absl::StrContains(
      requests[1], "scope=repository%3alibrary%2fx%3apull&scope=a%3ab%3ac&scope=repository%3ay%3a"))
      << requests[1];
}

TEST_F(AuthorizerTest, ABusyTokenServerIsAskedAgain) {
  int count = 0;
  Server server([&count](const std::string&) {
    return ++count < 3 ? Answer(count == 1 ? 503 : 429, "") : Answer(200, R"({"token":"t"})");
  });
  Authorizer authorizer(options_);
  EXPECT_TRUE(Renew(authorizer, server).ok());
  EXPECT_EQ(server.requests().size(), 3u);
}

TEST_F(AuthorizerTest, AWaitThatIsCancelledEndsTheTries) {
  Server server([](const std::string&) { return Answer(429, "", "Retry-After: 7\r\n"); });
  options_.wait = [](absl::Duration time, bool asked) {
    EXPECT_EQ(time, absl::Seconds(7));
    EXPECT_TRUE(asked);
    return absl::CancelledError("no longer wanted");
  };
  Authorizer authorizer(options_);
  EXPECT_TRUE(absl::IsCancelled(Renew(authorizer, server)));
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(AuthorizerTest, WhatATokenServerRefuses) {
  for (const auto& [status, word] : std::vector<std::pair<int, std::string>>{{401, "E_DENIED"},
                                                                             {403, "E_DENIED"},
                                                                             {400, "E_AUTH"},
                                                                             {500, "E_REMOTE"},
                                                                             {429, "E_RATE"},
                                                                             {204, "E_AUTH"}}) {
    Server server([status = status](const std::string&) { return Answer(status, "secret"); });
    Authorizer authorizer(options_);
    const auto failed = Renew(authorizer, server);
    EXPECT_EQ(base::ErrorWord(failed), word) << status;
    EXPECT_FALSE(absl::StrContains(failed.message(), "secret"));
  }
}

TEST_F(AuthorizerTest, ATokenServerIsNotFollowedElsewhere) {
  Server other([](const std::string&) { return Answer(200, R"({"token":"t"})"); });
  Server server([&other](const std::string&) {
    return Answer(307, "", absl::StrCat("Location: http://", other.host(), "/token\r\n"));
  });
  for (const Credential& login :
       {Credential{"ann", Secret("pw"), Secret()}, Credential{"ann", Secret(), Secret("id")}}) {
    Login(login);
    Authorizer authorizer(options_);
    EXPECT_EQ(base::ErrorWord(Renew(authorizer, server)), "E_REDIRECT");
  }
  EXPECT_TRUE(other.requests().empty());
}

TEST_F(AuthorizerTest, AStrangerGetsNoLogin) {
  // Nobody listens there: what counts is what would have been said.
  Login({"ann", Secret("pw"), Secret()});
  Authorizer authorizer(options_);
  const auto refused =
      Refused("https://registry.example/v2/", "Bearer realm=\"https://elsewhere.invalid/token\"");
  EXPECT_EQ(base::ErrorWord(authorizer.Renew(connection_, refused, "")), "E_CONNECT");
  EXPECT_NE(authorizer.Hint().find("STAVE_TOKEN_SERVERS=registry.example=elsewhere.invalid"),
            std::string::npos);
  options_.token_servers = *ParseTokenServers("registry.example=elsewhere.invalid");
  Authorizer trusting(options_);
  EXPECT_EQ(base::ErrorWord(trusting.Renew(connection_, refused, "")), "E_CONNECT");
  EXPECT_EQ(trusting.Hint().find("STAVE_TOKEN_SERVERS"), std::string::npos);
}

}  // namespace
}  // namespace stave::registry
