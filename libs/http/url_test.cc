// SPDX-License-Identifier: Apache-2.0
#include "libs/http/url.h"

#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::http {
namespace {

TEST(UrlTest, PartsOfAnAddress) {
  const auto url = ParseUrl("HTTPS://Registry.Example:8443/v2/a?b=c");

  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->host, "registry.example");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->target, "/v2/a?b=c");
  EXPECT_EQ(FormatUrl(*url), "https://registry.example:8443/v2/a?b=c");
}

TEST(UrlTest, DefaultPortAndPath) {
  const auto url = ParseUrl("http://[::1]");

  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->port, 80);
  EXPECT_EQ(FormatUrl(*url), "http://[::1]/");
}

TEST(UrlTest, HostileAddressesAreRefused) {
  for (const char* text :
       {"", "/relative", "file:///etc/passwd", "javascript:alert(1)", "ftp://a/b", "http://",
        "http:///x", "http://user:pw@host/", "http://a b/", "http://a/\nb", "http://a:0/",
        "http://a:65536/", "gopher://x/1"}) {
    EXPECT_FALSE(ParseUrl(text).ok()) << text;
  }
  EXPECT_FALSE(ParseUrl("http://a/" + std::string(9000, 'x')).ok());
  EXPECT_EQ(base::ErrorWord(ParseUrl("file:///x").status()), "E_URL");
}

TEST(UrlTest, PasswordsAreNotRepeated) {
  const auto url = ParseUrl("https://user:hunter2@host/");

  ASSERT_FALSE(url.ok());
  EXPECT_EQ(url.status().message().find("hunter2"), absl::string_view::npos);
}

TEST(UrlTest, LocationsAreResolved) {
  const Url base = *ParseUrl("https://a.example/v2/x/blobs/y");

  EXPECT_EQ(FormatUrl(*ResolveUrl(base, "/z?q=1")), "https://a.example/z?q=1");
  EXPECT_EQ(FormatUrl(*ResolveUrl(base, "z")), "https://a.example/v2/x/blobs/z");
  EXPECT_EQ(FormatUrl(*ResolveUrl(base, "//b.example/z")), "https://b.example/z");
  EXPECT_EQ(FormatUrl(*ResolveUrl(base, "http://b.example:81/z")), "http://b.example:81/z");
  EXPECT_FALSE(ResolveUrl(base, "").ok());
  EXPECT_FALSE(ResolveUrl(base, "javascript:alert(1)").ok());
  EXPECT_FALSE(ResolveUrl(base, "file:///etc/passwd").ok());
}

TEST(UrlTest, QueriesAreEscaped) {
  EXPECT_EQ(EscapeQuery("a-b._~9"), "a-b._~9");
  EXPECT_EQ(EscapeQuery("a b&c=\xC3\xA9/"), "a%20b%26c%3d%c3%a9%2f");
}

TEST(UrlTest, LoopbackIsThisMachineOnly) {
  for (const char* host : {"127.0.0.1", "127.9.9.9", "::1", "localhost", "x.localhost"}) {
    EXPECT_TRUE(IsLoopback(host)) << host;
  }
  for (const char* host : {"128.0.0.1", "localhost.example", "127.0.0.1.example", "10.0.0.1", "::2",
                           "0.0.0.0", "127.1", "notlocalhost"}) {
    EXPECT_FALSE(IsLoopback(host)) << host;
  }
}

TEST(UrlTest, PrivateLiterals) {
  for (const char* host :
       {"10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "fe80::1", "fd00::1", "::", "::ffff:127.0.0.1", "ff02::1"}) {
    EXPECT_TRUE(IsPrivateLiteral(host)) << host;
  }
  for (const char* host : {"1.1.1.1", "172.32.0.1", "100.128.0.1", "2001:db8::1", "example.com"}) {
    EXPECT_FALSE(IsPrivateLiteral(host)) << host;
  }
}

}  // namespace
}  // namespace stave::http
