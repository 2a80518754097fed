// SPDX-License-Identifier: Apache-2.0
#include "libs/http/host_certificates.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/http/url.h"

namespace stave::http {
namespace {

class HostCertificatesTest : public testing::Test {
 protected:
  HostCertificatesTest() {
    std::string name = testing::TempDir() + "/certsXXXXXX";
    top_ = ::mkdtemp(name.data());
  }
  ~HostCertificatesTest() override { std::filesystem::remove_all(top_); }

  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = top_ + "/" + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  absl::StatusOr<HostCertificates> Read(const std::string& url) {
    return ReadHostCertificates({top_ + "/a", top_ + "/b", top_ + "/none"}, *ParseUrl(url));
  }

  std::string top_;
};

TEST_F(HostCertificatesTest, AuthoritiesOfAllFoldersInOrder) {
  Write("a/reg:5000/2.crt", "two");
  Write("a/reg:5000/1.crt", "one");
  Write("b/reg:5000/ca.crt", "three");
  Write("b/reg:5000/README", "nothing");
  EXPECT_EQ(Read("https://reg:5000/")->authorities, "one\ntwo\nthree\n");
  EXPECT_EQ(Read("https://reg:5001/")->authorities, "");
  EXPECT_EQ(Read("https://other.reg:5000/")->authorities, "");
}

TEST_F(HostCertificatesTest, ANameWithoutPortIsThatOfPort443) {
  Write("a/reg/ca.crt", "one");
  EXPECT_EQ(Read("https://reg/")->authorities, "one\n");
  EXPECT_EQ(Read("https://reg:443/")->authorities, "one\n");
  EXPECT_EQ(Read("https://reg:5000/")->authorities, "");
}

TEST_F(HostCertificatesTest, AnAddressOfIpv6HasItsBrackets) {
  Write("a/[::1]:5000/ca.crt", "one");
  EXPECT_EQ(Read("https://[::1]:5000/")->authorities, "one\n");
}

TEST_F(HostCertificatesTest, TheFirstPairIsTheClients) {
  Write("a/reg/b.cert", "second");
  Write("a/reg/b.key", "second key");
  Write("a/reg/a.cert", "first");
  Write("a/reg/a.key", "first key");
  const auto found = Read("https://reg/");
  EXPECT_EQ(found->certificate, "first");
  EXPECT_EQ(found->key, "first key");
}

TEST_F(HostCertificatesTest, HalfAPairIsAnErrorThatNamesTheFile) {
  Write("a/reg/client.cert", "x");
  const auto no_key = Read("https://reg/").status();
  EXPECT_EQ(base::ErrorWord(no_key), "E_TLS");
  EXPECT_NE(no_key.message().find("reg/client.cert: its key client.key"), std::string::npos);

  Write("a/other/client.key", "x");
  const auto no_certificate = Read("https://other/").status();
  EXPECT_NE(no_certificate.message().find("other/client.key: its certificate client.cert"),
            std::string::npos);
}

}  // namespace
}  // namespace stave::http
