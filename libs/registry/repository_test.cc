// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/repository.h"

#include <string>
#include <utility>
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

constexpr char kManifests[] = "/v2/lib/a/manifests/1";
const std::string kBlob = "0123456789";
const oci::Digest kDigest = oci::DigestOf(kBlob);
const std::string kBlobs = absl::StrCat("/v2/lib/a/blobs/", kDigest.ToString());

std::string Fails(int status) {
  return absl::StrCat("HTTP/1.1 ", status, " No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

// What a registry with the image answers; `more` comes on top.
TestServer::Answers Good(TestServer::Answers more = {}) {
  more.insert({{"/v2/", Answer("{}")}, {kManifests, Answer("good")}, {kBlobs, Answer(kBlob)}});
  return more;
}

Endpoint At(const TestServer& server, bool mirror) {
  const std::string address = server.Address("");
  Endpoint endpoint;
  endpoint.host = address.substr(address.rfind('/') + 1);
  endpoint.path = "lib/a";
  endpoint.repository = absl::StrCat(endpoint.host, "/lib/a");
  endpoint.mirror = mirror;
  return endpoint;
}

Endpoint Nobody() {
  Endpoint endpoint;
  endpoint.host = "127.0.0.1:1";
  endpoint.path = "lib/a";
  endpoint.mirror = true;
  return endpoint;
}

class RepositoryTest : public testing::Test {
 protected:
  Repository Over(const std::vector<Endpoint>& endpoints,
                  const CredentialFor& credential_for = nullptr) {
    ClientOptions options;
    options.http.user_agent = "stave/test";
    options.http.trace = [this](absl::string_view line) { absl::StrAppend(&trace_, line, "\n"); };
    options.back_off = absl::Milliseconds(1);
    options.note = [this](Note, absl::string_view text) { notes_.emplace_back(text); };
    options.credential = [] {
      Credential credential;
      credential.user = "upstream";
      credential.password = Secret("secret");
      return credential;
    };
    return Repository(endpoints, options, credential_for);
  }
  absl::Status Get(Repository& repository) {
    got_.clear();
    return repository.GetBlob(kDigest, 10, 0, [this](absl::string_view data) {
      absl::StrAppend(&got_, data);
      return absl::OkStatus();
    });
  }

  std::string got_;
  std::string trace_;
  std::vector<std::string> notes_;
};

// How often `path` was asked for.
int Count(TestServer& server, const std::string& path) {
  int count = 0;
  for (const std::string& request : server.Requests()) {
    if (absl::StrContains(request, absl::StrCat(" ", path, " "))) ++count;
  }
  return count;
}

TEST_F(RepositoryTest, AMirrorThatHasItIsEnough) {
  TestServer mirror(Good());
  TestServer registry(Good());
  Repository repository = Over({At(mirror, true), At(registry, false)});

  EXPECT_EQ(repository.GetManifest("1")->bytes, "good");
  EXPECT_TRUE(Get(repository).ok());
  EXPECT_EQ(registry.Requests().size(), 0u);
}

TEST_F(RepositoryTest, WhateverFailsAtAMirrorIsAskedOfTheNext) {
  TestServer missing(TestServer::Answers{{"/v2/", Answer("{}")}});
  TestServer broken(
      TestServer::Answers{{"/v2/", Answer("{}")}, {kManifests, Fails(503)}, {kBlobs, Fails(500)}});
  TestServer html({{"/v2/", Answer("{}")},
                   {kManifests, Answer("<html>", "Content-Type: text/html\r\n")},
                   {kBlobs, Answer("<html>")}});
  TestServer registry(Good());
  Repository repository =
      Over({Nobody(), At(missing, true), At(broken, true), At(html, true), At(registry, false)});

  ASSERT_TRUE(repository.GetManifest("1").ok());
  ASSERT_TRUE(Get(repository).ok());
  EXPECT_EQ(got_, kBlob);
  EXPECT_EQ(Count(broken, kManifests), 2);  // tried again once
  EXPECT_TRUE(absl::StrContains(trace_, "mirror 127.0.0.1:1: "));
  EXPECT_TRUE(absl::StrContains(trace_, "[E_NOT_FOUND]"));
}

TEST_F(RepositoryTest, TheLastErrorIsTheAnswer) {
  TestServer registry(TestServer::Answers{{"/v2/", Answer("{}")}});
  Repository repository = Over({Nobody(), At(registry, false)});

  EXPECT_EQ(base::ErrorWord(repository.GetManifest("1").status()), "E_NOT_FOUND");
  EXPECT_TRUE(notes_.empty());
}

TEST_F(RepositoryTest, AWrongManifestIsWarnedOf) {
  const std::string path = absl::StrCat("/v2/lib/a/manifests/", oci::DigestOf("good").ToString());
  TestServer mirror({{"/v2/", Answer("{}")}, {path, Answer("evil")}});
  TestServer registry({{"/v2/", Answer("{}")}, {path, Answer("good")}});
  Repository repository = Over({At(mirror, true), At(registry, false)});

  EXPECT_EQ(repository.GetManifest(oci::DigestOf("good").ToString())->bytes, "good");
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_TRUE(absl::StartsWith(notes_[0], "mirror 127.0.0.1:"));
}

TEST_F(RepositoryTest, ABlobGoesOnAtTheNextWhereTheMirrorBrokeOff) {
  TestServer mirror(Good({{kBlobs, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123"}}));
  TestServer registry(Good());
  Repository repository = Over({At(mirror, true), At(registry, false)});

  ASSERT_TRUE(Get(repository).ok());
  EXPECT_EQ(got_, kBlob);
  EXPECT_TRUE(absl::StrContains(registry.Requests().back(), "Range: bytes="));
}

TEST_F(RepositoryTest, ARejectedBlobComesFromTheNext) {
  TestServer mirror(Good({{kBlobs, Answer("9876543210")}}));
  TestServer registry(Good());
  Repository repository = Over({At(mirror, true), At(registry, false)});

  ASSERT_TRUE(Get(repository).ok());
  ASSERT_NE(got_, kBlob);
  EXPECT_TRUE(repository.Reject(kDigest));
  ASSERT_TRUE(Get(repository).ok());
  EXPECT_EQ(got_, kBlob);
  EXPECT_FALSE(repository.Reject(kDigest));
  EXPECT_EQ(notes_.size(), 1u);
  EXPECT_EQ(Count(mirror, kBlobs), 1);
}

TEST_F(RepositoryTest, TheErrorOfASinkIsNoMirrorsFault) {
  TestServer mirror(Good());
  TestServer registry(Good());
  Repository repository = Over({At(mirror, true), At(registry, false)});

  const absl::Status status = repository.GetBlob(
      kDigest, 10, 0, [](absl::string_view) { return absl::DataLossError("full"); });

  EXPECT_EQ(status, absl::DataLossError("full"));
  EXPECT_EQ(registry.Requests().size(), 0u);
}

TEST_F(RepositoryTest, TheRegistrysCredentialIsKeptFromMirrors) {
  const std::string challenge =
      "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n"
      "Connection: close\r\n\r\n";
  TestServer mirror(Good({{kManifests, challenge}}));
  TestServer registry(Good({{kManifests, challenge}}));
  Repository repository = Over({At(mirror, true), At(registry, false)});

  EXPECT_FALSE(repository.GetManifest("1").ok());
  EXPECT_TRUE(absl::StrContains(registry.Requests().back(), "Authorization: Basic "));
  for (const std::string& request : mirror.Requests()) {
    EXPECT_FALSE(absl::StrContains(request, "Authorization")) << request;
  }
}

TEST_F(RepositoryTest, HeadIsAskedOfTheFirstThatAnswersIt) {
  const std::string head = absl::StrCat("Docker-Content-Digest: ", kDigest.ToString(), "\r\n");
  TestServer mirror(TestServer::Answers{{"/v2/", Answer("{}")}});
  TestServer registry(Good({{kManifests, Answer(kBlob, head)}}));
  Repository repository = Over({Nobody(), At(mirror, true), At(registry, false)});

  const auto told = repository.HeadManifest("1");

  ASSERT_TRUE(told.ok()) << told.status();
  ASSERT_TRUE(told->has_value());
  EXPECT_EQ((*told)->digest, kDigest);
  EXPECT_EQ((*told)->size, 10);
}

}  // namespace
}  // namespace stave::registry
