// SPDX-License-Identifier: Apache-2.0
#include "libs/http/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/status_macros.h"

namespace stave::http {
namespace {

constexpr size_t kMaxUrl = 8192;

struct CurlUrlFree {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using CurlUrl = std::unique_ptr<CURLU, CurlUrlFree>;

// Neither a query nor a user name and password is repeated: they may be secrets.
absl::Status BadUrl(absl::string_view text, absl::string_view why) {
  absl::string_view shown = text.substr(0, text.find_first_of("?#"));
  if (absl::StrContains(shown, "@")) shown = "";
  return base::Error(absl::StatusCode::kInvalidArgument, "E_URL",
                     shown.empty() && !text.empty()
                         ? std::string(why)
                         : absl::StrCat("\"", base::Printable(shown, 120), "\": ", why));
}

std::string Part(CURLU* url, CURLUPart part, unsigned flags) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK || text == nullptr) return "";
  std::string copy(text);
  curl_free(text);
  return copy;
}

absl::Status CheckText(absl::string_view text) {
  if (text.size() > kMaxUrl) return BadUrl(text, "the address is too long");
  const bool clean =
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c != 0x7f; });
  return clean ? absl::OkStatus() : BadUrl(text, "space or control character in an address");
}

absl::StatusOr<Url> Take(CURLU* parsed, absl::string_view text) {
  Url url;
  url.scheme = absl::AsciiStrToLower(Part(parsed, CURLUPART_SCHEME, 0));
  if (url.scheme != "http" && url.scheme != "https") {
    return BadUrl(text, "is not an http or https address");
  }
  if (!Part(parsed, CURLUPART_USER, 0).empty() || !Part(parsed, CURLUPART_PASSWORD, 0).empty()) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_URL",
                       "an address must not hold a user name or password");
  }
  url.host = absl::AsciiStrToLower(Part(parsed, CURLUPART_HOST, 0));
  if (url.host.size() > 2 && url.host.front() == '[') {
    url.host = url.host.substr(1, url.host.size() - 2);
  }
  if (url.host.empty()) return BadUrl(text, "has no host");
  STAVE_ASSIGN_OR_RETURN(
      const uint64_t port,
      base::ParseUint(Part(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT), 1, 65535));
  url.port = static_cast<uint16_t>(port);
  url.target = Part(parsed, CURLUPART_PATH, 0);
  if (url.target.empty() || url.target.front() != '/') url.target = absl::StrCat("/", url.target);
  const std::string query = Part(parsed, CURLUPART_QUERY, 0);
  if (!query.empty()) absl::StrAppend(&url.target, "?", query);
  return url;
}

bool IsPrivate4(uint32_t a) {
  return a >> 24 == 127 || a >> 24 == 10 || a >> 24 == 0 || a >> 28 >= 0xe || a >> 16 == 0xc0a8 ||
         a >> 16 == 0xa9fe || a >> 20 == 0xac1 || a >> 22 == (0x64400000u >> 22);
}

bool Parse4(absl::string_view host, uint32_t* address) {
  in_addr raw;
  if (::inet_pton(AF_INET, std::string(host).c_str(), &raw) != 1) return false;
  *address = ntohl(raw.s_addr);
  return true;
}

}  // namespace

absl::StatusOr<Url> ParseUrl(absl::string_view text) {
  STAVE_RETURN_IF_ERROR(CheckText(text));
  if (absl::StrContains(text, ":///")) return BadUrl(text, "has no host");  // libcurl guesses one
  const CurlUrl parsed(curl_url());
  if (parsed == nullptr || curl_url_set(parsed.get(), CURLUPART_URL, std::string(text).c_str(),
                                        CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) {
    return BadUrl(text, "is not an address");
  }
  return Take(parsed.get(), text);
}

absl::StatusOr<Url> ResolveUrl(const Url& base, absl::string_view location) {
  STAVE_RETURN_IF_ERROR(CheckText(location));
  if (location.empty()) return BadUrl(location, "an empty address");
  const CurlUrl parsed(curl_url());
  if (parsed == nullptr ||
      curl_url_set(parsed.get(), CURLUPART_URL, FormatUrl(base).c_str(), 0) != CURLUE_OK ||
      curl_url_set(parsed.get(), CURLUPART_URL, std::string(location).c_str(),
                   CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) {
    return BadUrl(location, "is not an address");
  }
  return Take(parsed.get(), location);
}

std::string FormatOrigin(const Url& url) {
  const bool six = absl::StrContains(url.host, ":");
  const bool usual = url.port == (url.scheme == "https" ? 443 : 80);
  return absl::StrCat(url.scheme, "://", six ? "[" : "", url.host, six ? "]" : "", usual ? "" : ":",
                      usual ? "" : absl::StrCat(url.port));
}

std::string FormatUrl(const Url& url) { return absl::StrCat(FormatOrigin(url), url.target); }

std::string EscapeQuery(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) || absl::StrContains("-._~", absl::string_view(&c, 1))) {
      escaped.push_back(c);
    } else {
      absl::StrAppend(&escaped, "%", absl::Hex(byte, absl::kZeroPad2));
    }
  }
  return escaped;
}

bool SameOrigin(const Url& a, const Url& b) {
  return a.scheme == b.scheme && a.host == b.host && a.port == b.port;
}

bool IsLoopback(absl::string_view host) {
  uint32_t four;
  if (Parse4(host, &four)) return four >> 24 == 127;
  return host == "::1" || host == "localhost" || absl::EndsWith(host, ".localhost");
}

bool IsPrivateLiteral(absl::string_view host) {
  uint32_t four;
  if (Parse4(host, &four)) return IsPrivate4(four);
  in6_addr six;
  if (::inet_pton(AF_INET6, std::string(host.substr(0, host.find('%'))).c_str(), &six) != 1) {
    return false;
  }
  const unsigned char* b = six.s6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&six)) {
    return IsPrivate4(uint32_t{b[12]} << 24 | uint32_t{b[13]} << 16 | uint32_t{b[14]} << 8 | b[15]);
  }
  return IN6_IS_ADDR_LOOPBACK(&six) || IN6_IS_ADDR_UNSPECIFIED(&six) ||
         IN6_IS_ADDR_MULTICAST(&six) || IN6_IS_ADDR_LINKLOCAL(&six) ||
         IN6_IS_ADDR_SITELOCAL(&six) || (b[0] & 0xfe) == 0xfc;
}

}  // namespace stave::http
