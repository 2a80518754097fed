// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/client.h"

#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/http/test_server.h"
#include "libs/oci/digest.h"

namespace stave::registry {
namespace {

using http::Answer;
using http::TestServer;

constexpr char kManifests[] = "/v2/a/manifests/1";

class ClientTest : public testing::Test {
 protected:
  Client At(const TestServer& server) {
    const std::string address = server.Address("");
    ClientOptions options;
    options.http.user_agent = "stave/test";
    options.http.connect_timeout = absl::Milliseconds(200);
    options.back_off = absl::Milliseconds(1);
    options.note = [this](Note, absl::string_view text) { notes_.emplace_back(text); };
    return Client(address.substr(address.rfind('/') + 1), "a", options);
  }
  std::vector<std::string> notes_;
};

TEST_F(ClientTest, HeadTellsDigestAndSize) {
  const oci::Digest digest = oci::DigestOf("x");
  TestServer server(
      {{"/v2/", Answer("{}")},
       {kManifests, absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Type: a/b\r\n"
                                 "Docker-Content-Digest: ",
                                 digest.ToString(), "\r\nConnection: close\r\n\r\n")}});
  const auto head = At(server).HeadManifest("1");

  ASSERT_TRUE(head.ok() && head->has_value());
  EXPECT_EQ((*head)->digest, digest);
  EXPECT_EQ((*head)->size, 7);
  EXPECT_EQ((*head)->content_type, "a/b");
  EXPECT_TRUE(absl::StartsWith(server.Requests().back(), "HEAD "));
}

TEST_F(ClientTest, WhatHeadDoesNotTellIsNoError) {
  for (const std::string& answer :
       {Answer("x"), Answer("x", "Docker-Content-Digest: md5:1\r\n"),
        std::string("HTTP/1.1 404 No\r\nConnection: close\r\n\r\n"),
        std::string("HTTP/1.1 405 No\r\nConnection: close\r\n\r\n"),
        std::string("HTTP/1.1 500 No\r\nConnection: close\r\n\r\n"), std::string("rubbish")}) {
    TestServer server({{"/v2/", Answer("{}")}, {kManifests, answer}});
    const auto head = At(server).HeadManifest("1");

    ASSERT_TRUE(head.ok()) << head.status();
    EXPECT_FALSE(head->has_value()) << answer;
    EXPECT_EQ(server.Requests().size(), 2u) << answer;
  }
}

TEST_F(ClientTest, WarningsAndALowRateLimitAreToldOnce) {
  TestServer server(
      {{"/v2/", Answer("{}")},
       {kManifests, Answer("x",
                           "Warning: 299 - \"bye\"\r\nratelimit-limit: 100;w=21600\r\n"
                           "ratelimit-remaining: 9;w=21600\r\n")}});
  Client client = At(server);

  ASSERT_TRUE(client.GetManifest("1").ok());
  ASSERT_TRUE(client.GetManifest("1").ok());
  ASSERT_EQ(notes_.size(), 2u);
  EXPECT_TRUE(absl::EndsWith(notes_[0], " warns: bye"));
  EXPECT_TRUE(absl::StrContains(notes_[1], "9 of 100 pulls in 6h are left"));
}

TEST_F(ClientTest, TriesFiveTimes) {
  TestServer server(
      {{"/v2/", Answer("{}")},
       {kManifests, "HTTP/1.1 503 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"}});

  EXPECT_EQ(base::ErrorWord(At(server).GetManifest("1").status()), "E_REMOTE");
  EXPECT_EQ(server.Requests().size(), 6u);  // with the ping
}

TEST_F(ClientTest, CancelEndsAWait) {
  TestServer server({{"/v2/", Answer("{}")},
                     {kManifests,
                      "HTTP/1.1 429 No\r\nRetry-After: 50\r\nContent-Length: 0\r\n"
                      "Connection: close\r\n\r\n"}});
  Client client = At(server);
  absl::Status status;
  std::thread thread([&] { status = client.GetManifest("1").status(); });
  client.Cancel();
  thread.join();

  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  EXPECT_TRUE(absl::IsCancelled(client.GetManifest("1").status()));
}

TEST_F(ClientTest, ARegistryInTroubleIsNotTakenForTls) {
  TestServer server({{"/v2/", ""}, {kManifests, Answer("x")}});

  EXPECT_EQ(At(server).GetManifest("1")->bytes, "x");
}

}  // namespace
}  // namespace stave::registry
