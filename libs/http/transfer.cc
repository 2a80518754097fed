// SPDX-License-Identifier: Apache-2.0
#include "libs/http/transfer.h"

#include <curl/curl.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>

#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"

namespace stave::http {
namespace {

constexpr size_t kMaxHeaderBytes = size_t{128} << 10;
constexpr size_t kMaxHeaders = 500;
constexpr int kMaxRedirects = 10;
constexpr size_t kMaxCertificates = size_t{8} << 20;
constexpr char kSystemCertificates[] = "/etc/ssl/certs/ca-certificates.crt";

// What one request to one address collects; libcurl's callbacks get a pointer to it.
struct Exchange {
  const Request* request;
  Response response;
  size_t header_bytes = 0;
  bool head_given = false;
  absl::Status failure;  // what a callback ended the request with

  bool Successful() const { return response.status >= 200 && response.status < 300; }
  absl::Status TakeHeader(absl::string_view line);
  absl::Status GiveHead();
  absl::Status TakeBody(absl::string_view data);
};

absl::Status Limit(absl::string_view what) {
  return base::Error(absl::StatusCode::kResourceExhausted, "E_LIMIT", what);
}

absl::Status Exchange::TakeHeader(absl::string_view line) {
  line = absl::StripAsciiWhitespace(line);
  if (absl::StartsWith(line, "HTTP/")) {  // also after a 1xx, or a proxy's CONNECT
    response.headers.clear();
    header_bytes = 0;
    return absl::OkStatus();
  }
  header_bytes += line.size();
  if (header_bytes > kMaxHeaderBytes || response.headers.size() >= kMaxHeaders) {
    return Limit("the header of the answer is too long");
  }
  const size_t colon = line.find(':');
  if (colon == absl::string_view::npos) return absl::OkStatus();
  response.headers.emplace_back(absl::AsciiStrToLower(line.substr(0, colon)),
                                absl::StripAsciiWhitespace(line.substr(colon + 1)));
  return absl::OkStatus();
}

absl::Status Exchange::GiveHead() {
  if (head_given || !Successful()) return absl::OkStatus();
  head_given = true;
  const std::string coding = response.Header("content-encoding");
  if (!coding.empty() && !absl::EqualsIgnoreCase(coding, "identity")) {
    return base::Error(absl::StatusCode::kUnavailable, "E_REMOTE",
                       absl::StrCat("the server encoded its answer unasked (Content-Encoding: ",
                                    base::Printable(coding, 40), ")"));
  }
  return request->head ? request->head(response) : absl::OkStatus();
}

absl::Status Exchange::TakeBody(absl::string_view data) {
  STAVE_RETURN_IF_ERROR(GiveHead());
  if (Successful() && request->body) return request->body(data);
  if (data.size() > request->max_body - response.body.size()) {
    if (Successful()) {
      return Limit(absl::StrCat("the answer is longer than ", request->max_body, " bytes"));
    }
    data = data.substr(0, request->max_body - response.body.size());  // an error page
    absl::StrAppend(&response.body, data);
    return base::Error(absl::StatusCode::kCancelled, "E_LIMIT", "error page cut");
  }
  absl::StrAppend(&response.body, data);
  return absl::OkStatus();
}

// 0 from a callback ends the request.
size_t OnHeader(char* data, size_t size, size_t count, void* exchange) {
  auto* to = static_cast<Exchange*>(exchange);
  to->failure = to->TakeHeader(absl::string_view(data, size * count));
  return to->failure.ok() ? size * count : 0;
}

size_t OnBody(char* data, size_t size, size_t count, void* pair) {
  auto* to = static_cast<std::pair<CURL*, Exchange*>*>(pair);
  if (to->second->response.status == 0) {
    long status = 0;
    curl_easy_getinfo(to->first, CURLINFO_RESPONSE_CODE, &status);
    to->second->response.status = static_cast<int>(status);
  }
  to->second->failure = to->second->TakeBody(absl::string_view(data, size * count));
  return to->second->failure.ok() ? size * count : 0;
}

// The certificates of a host that the administrator trusts beside the system's; "" if there are
// none.
std::string HostCertificates(const Url& url) {
  if (absl::StrContains(url.host, "/")) return "";
  std::string found;
  for (const std::string& name : {absl::StrCat(url.host, ":", url.port), url.host}) {
    const std::string folder = absl::StrCat("/etc/docker/certs.d/", name);
    DIR* dir = ::opendir(folder.c_str());
    if (dir == nullptr) continue;
    const absl::Cleanup close = [dir] { ::closedir(dir); };
    while (const dirent* entry = ::readdir(dir)) {
      if (!absl::EndsWith(entry->d_name, ".crt")) continue;
      auto text = base::ReadFileAt(AT_FDCWD, absl::StrCat(folder, "/", entry->d_name), 1 << 20);
      if (text.ok()) absl::StrAppend(&found, *text, "\n");
    }
  }
  return found;
}

absl::Status MapError(CURLcode code, const Url& url, const char* detail) {
  const std::string where = base::Printable(FormatOrigin(url));
  const std::string why =
      base::Printable(detail[0] != '\0' ? detail : curl_easy_strerror(code), 200);
  const std::string text = absl::StrCat(where, ": ", why);
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
      return base::Error(absl::StatusCode::kUnavailable, "E_CONNECT", text);
    case CURLE_OPERATION_TIMEDOUT:
      return base::Error(absl::StatusCode::kDeadlineExceeded, "E_TIMEOUT", text);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return base::WithHint(
          base::Error(absl::StatusCode::kPermissionDenied, "E_TLS", text),
          absl::StrCat("a CA of your own goes to /etc/docker/certs.d/", base::Printable(url.host),
                       ":", url.port, "/ca.crt or SSL_CERT_FILE"));
    case CURLE_SSL_CONNECT_ERROR:
      return base::Error(absl::StatusCode::kUnavailable, "E_TLS", text);
    case CURLE_OUT_OF_MEMORY:
      return base::Error(absl::StatusCode::kResourceExhausted, "E_LIMIT", text);
    default:
      return base::Error(absl::StatusCode::kUnavailable, "E_REMOTE", text);
  }
}

bool IsRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

std::string Response::Header(absl::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return "";
}

struct Connection::State {
  Options options;
  CURL* curl = nullptr;
  // The certificates of `trust_origin`, kept for the next request to it.
  std::string trust_origin;
  std::string trust;

  ~State() {
    if (curl != nullptr) curl_easy_cleanup(curl);
  }
  void SetTrust(const Url& url);
  void SetUp(const Request& request, const Url& url);
  absl::StatusOr<Response> Once(const Request& request, const Url& url, bool authorized);
};

void Connection::State::SetTrust(const Url& url) {
  const char* set = ::getenv("SSL_CERT_FILE");
  const std::string file = set != nullptr && set[0] != '\0' ? set : kSystemCertificates;
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
  if (trust_origin != FormatOrigin(url)) {
    trust_origin = FormatOrigin(url);
    trust = HostCertificates(url);
    if (!trust.empty()) {
      auto system = base::ReadFileAt(AT_FDCWD, file, kMaxCertificates);
      if (system.ok()) absl::StrAppend(&trust, *system);
    }
  }
  if (trust.empty()) {
    curl_easy_setopt(curl, CURLOPT_CAINFO, file.c_str());
    return;
  }
  curl_blob blob{trust.data(), trust.size(), CURL_BLOB_NOCOPY};
  curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
}

void Connection::State::SetUp(const Request& request, const Url& url) {
  curl_easy_reset(curl);  // the open connections stay
  curl_easy_setopt(curl, CURLOPT_URL, FormatUrl(url).c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, options.user_agent.c_str());
  curl_easy_setopt(curl, CURLOPT_NOBODY, request.method == Method::kHead ? 1L : 0L);
  curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 256L << 10);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(absl::ToInt64Milliseconds(options.connect_timeout)));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(
      curl, CURLOPT_LOW_SPEED_TIME,
      static_cast<long>(std::max<int64_t>(1, absl::ToInt64Seconds(options.stall_timeout))));
  if (IsLoopback(url.host)) curl_easy_setopt(curl, CURLOPT_PROXY, "");
  if (url.scheme == "https") SetTrust(url);
}

absl::StatusOr<Response> Connection::State::Once(const Request& request, const Url& url,
                                                 bool authorized) {
  if (url.scheme == "http" && !options.plain_http && !IsLoopback(url.host)) {
    return base::Error(
        absl::StatusCode::kFailedPrecondition, "E_PLAIN_HTTP",
        absl::StrCat(base::Printable(FormatOrigin(url)), ": plain http is only for this machine"));
  }
  SetUp(request, url);
  curl_slist* lines = nullptr;
  for (const auto& [name, value] : request.headers) {
    lines = curl_slist_append(lines, absl::StrCat(name, ": ", value).c_str());
  }
  if (authorized && !request.authorization.empty()) {
    lines =
        curl_slist_append(lines, absl::StrCat("Authorization: ", request.authorization).c_str());
  }
  const absl::Cleanup free_lines = [lines] { curl_slist_free_all(lines); };
  Exchange exchange{.request = &request, .response = {}, .failure = {}};
  std::pair<CURL*, Exchange*> body_target(curl, &exchange);
  char detail[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, lines);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body_target);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
  const CURLcode code = curl_easy_perform(curl);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  exchange.response.status = static_cast<int>(status);
  exchange.response.url = url;
  if (options.trace) {
    options.trace(absl::StrCat(request.method == Method::kHead ? "HEAD " : "GET ",
                               base::Printable(FormatOrigin(url)), " ",
                               base::Printable(url.target.substr(0, url.target.find('?'))), " -> ",
                               status, code == CURLE_OK ? "" : curl_easy_strerror(code)));
  }
  const bool cut = absl::IsCancelled(exchange.failure) && !exchange.Successful();
  if (!exchange.failure.ok() && !cut) return exchange.failure;
  if (code != CURLE_OK && !cut) return MapError(code, url, detail);
  STAVE_RETURN_IF_ERROR(exchange.GiveHead());  // an answer without a body
  return std::move(exchange.response);
}

Connection::Connection(Options options) : state_(new State{std::move(options), nullptr, "", ""}) {
  state_->curl = curl_easy_init();
}
Connection::Connection(Connection&&) noexcept = default;
Connection::~Connection() = default;

absl::StatusOr<Response> Connection::Perform(const Request& request) {
  if (state_->curl == nullptr) {
    return base::Error(absl::StatusCode::kInternal, "E_INTERNAL", "libcurl cannot be initialised");
  }
  Url url = request.url;
  bool authorized = true;
  for (int hop = 0; hop <= kMaxRedirects; ++hop) {
    STAVE_ASSIGN_OR_RETURN(Response response, state_->Once(request, url, authorized));
    if (!IsRedirect(response.status)) return response;
    const auto refuse = [&](absl::string_view why) {
      return base::Error(absl::StatusCode::kFailedPrecondition, "E_REDIRECT",
                         absl::StrCat(base::Printable(FormatOrigin(url)), ": redirect: ", why));
    };
    auto next = ResolveUrl(url, response.Header("location"));
    if (!next.ok()) return refuse(next.status().message());
    if (url.scheme == "https" && next->scheme == "http") {
      return refuse(absl::StrCat("from https to ", base::Printable(FormatOrigin(*next))));
    }
    if (next->scheme == "http" && !state_->options.plain_http && !IsLoopback(next->host)) {
      return refuse(absl::StrCat("to ", base::Printable(FormatOrigin(*next)), " in plain http"));
    }
    // A server elsewhere must not make us ask around in our own network.
    if (next->host != url.host && !IsLoopback(url.host) && IsLoopback(next->host)) {
      return refuse(absl::StrCat("to this machine (", base::Printable(FormatOrigin(*next)), ")"));
    }
    authorized = authorized && SameOrigin(*next, request.url);
    url = *std::move(next);
  }
  return base::Error(absl::StatusCode::kFailedPrecondition, "E_REDIRECT",
                     absl::StrCat(base::Printable(FormatOrigin(url)), ": more than ", kMaxRedirects,
                                  " redirects"));
}

}  // namespace stave::http
