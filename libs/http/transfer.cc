// SPDX-License-Identifier: Apache-2.0
#include "libs/http/transfer.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <stdlib.h>

#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/http/flow.h"
#include "libs/http/host_certificates.h"
#include "libs/http/transfer_error.h"

namespace stave::http {
namespace {

constexpr size_t kMaxHeaderBytes = size_t{128} << 10;
constexpr size_t kMaxHeaders = 500;
constexpr int kMaxRedirects = 10;
constexpr size_t kMaxCertificates = size_t{8} << 20;
constexpr char kCertificateFolder[] = "/etc/ssl/certs";
constexpr char kSystemCertificates[] = "/etc/ssl/certs/ca-certificates.crt";

// What one request to one address collects; libcurl's callbacks get a pointer to it.
struct Exchange {
  CURL* curl;
  const Options* options;
  const Request* request;
  Flow flow;
  Response response;
  size_t header_bytes = 0;
  bool head_given = false;
  bool error_page_cut = false;
  absl::Status failure;  // what a callback ended the request with

  bool Successful() const { return response.status >= 200 && response.status < 300; }
  absl::Status TakeHeader(absl::string_view line);
  absl::Status CheckFraming() const;
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
  if (line.empty()) return CheckFraming();
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

absl::Status Broken(absl::string_view why) {
  return base::Error(absl::StatusCode::kFailedPrecondition, "E_REMOTE",
                     absl::StrCat("the answer breaks the protocol: ", why));
}

// Two lengths that differ are two answers: one for us, one for whoever reads between us.
absl::Status Exchange::CheckFraming() const {
  const std::string* length = nullptr;
  bool chunked = false;
  for (const auto& [name, value] : response.headers) {
    if (name == "transfer-encoding") chunked = true;
    if (name != "content-length") continue;
    if (value.empty() || !std::all_of(value.begin(), value.end(), absl::ascii_isdigit)) {
      return Broken(absl::StrCat("Content-Length: ", base::Printable(value, 40)));
    }
    if (length != nullptr && *length != value) return Broken("two different Content-Length");
    length = &value;
  }
  if (chunked && length != nullptr) return Broken("both Content-Length and Transfer-Encoding");
  return absl::OkStatus();
}

absl::Status Exchange::GiveHead() {
  if (head_given || !Successful()) return absl::OkStatus();
  head_given = true;
  const std::string coding = response.Header("content-encoding");
  if (!coding.empty() && !absl::EqualsIgnoreCase(coding, "identity")) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "E_REMOTE",
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
    error_page_cut = true;
    return absl::CancelledError();
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

size_t OnBody(char* data, size_t size, size_t count, void* exchange) {
  auto* to = static_cast<Exchange*>(exchange);
  if (to->response.status == 0) {
    long status = 0;
    curl_easy_getinfo(to->curl, CURLINFO_RESPONSE_CODE, &status);
    to->response.status = static_cast<int>(status);
  }
  const absl::Time from = absl::Now();
  to->failure = to->TakeBody(absl::string_view(data, size * count));
  to->flow.Took(size * count, from, absl::Now());
  return to->failure.ok() ? size * count : 0;
}

// Called about once a second, and whenever bytes come. Other than 0 ends the request.
int OnProgress(void* exchange, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto* to = static_cast<Exchange*>(exchange);
  if (to->options->cancelled && to->options->cancelled()) {
    to->failure = absl::CancelledError("no longer wanted");
    return 1;
  }
  curl_off_t connected = 0;  // until then it is the connect time-out's
  curl_easy_getinfo(to->curl, CURLINFO_PRETRANSFER_TIME_T, &connected);
  if (connected == 0) return 0;
  const std::string stalled = to->flow.Check(absl::Now());
  if (stalled.empty()) return 0;
  to->failure = base::Error(absl::StatusCode::kDeadlineExceeded, "E_TIMEOUT", stalled);
  return 1;
}

// Where certificates lie under the hashes of their names.
const char* CertificateFolder() {
  const char* set = ::getenv("SSL_CERT_DIR");
  return set != nullptr && set[0] != '\0' ? set : kCertificateFolder;
}

// The failures that know no address get one.
absl::Status Where(const absl::Status& failure, const Url& url) {
  if (base::ErrorWord(failure) != "E_TIMEOUT") return failure;
  return base::WithContext(failure, base::Printable(FormatOrigin(url)));
}

const char* MethodName(Method method) {
  return method == Method::kHead ? "HEAD" : method == Method::kPost ? "POST" : "GET";
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
  HostCertificates own;
  // The system's certificates are looked up one by one: reading them all takes 25 ms of CPU. Not
  // so once that was not enough.
  bool by_hash = true;

  ~State() {
    if (curl != nullptr) curl_easy_cleanup(curl);
  }
  bool MaySpeakHttp(const Url& url) const {
    return options.plain_http || IsLoopback(url.host) || url.host == options.insecure_host;
  }
  absl::Status SetTrust(const Url& url);
  absl::Status SetUp(const Request& request, const Url& url);
  void Trace(const Request& request, const Url& url, long status, CURLcode code) const;
  CURLcode Run(const Request& request, const Url& url, bool authorized, Exchange* exchange,
               char* detail);
  absl::StatusOr<Response> Once(const Request& request, const Url& url, bool authorized);
};

absl::Status Connection::State::SetTrust(const Url& url) {
  const char* set = ::getenv("SSL_CERT_FILE");
  const bool is_set = set != nullptr && set[0] != '\0';
  const std::string file = is_set ? set : kSystemCertificates;
  const bool verified = url.host != options.insecure_host;
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, verified ? 1L : 0L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, verified ? 2L : 0L);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (trust_origin != FormatOrigin(url)) {
    STAVE_ASSIGN_OR_RETURN(own, ReadHostCertificates(options.certificate_folders, url));
    trust_origin = FormatOrigin(url);
    trust = own.authorities;
    if (!trust.empty()) {
      auto system = base::ReadFileAt(AT_FDCWD, file, kMaxCertificates);
      if (system.ok()) absl::StrAppend(&trust, *system);
    }
  }
  const auto blob = [this](CURLoption option, std::string& text) {
    if (text.empty()) return;
    curl_blob pem{text.data(), text.size(), CURL_BLOB_NOCOPY};
    curl_easy_setopt(curl, option, &pem);
  };
  if (is_set || !trust.empty()) by_hash = false;
  curl_easy_setopt(curl, CURLOPT_CAPATH, by_hash ? CertificateFolder() : nullptr);
  curl_easy_setopt(curl, CURLOPT_CAINFO, by_hash ? nullptr : file.c_str());
  blob(CURLOPT_CAINFO_BLOB, trust);
  blob(CURLOPT_SSLCERT_BLOB, own.certificate);
  blob(CURLOPT_SSLKEY_BLOB, own.key);
  return absl::OkStatus();
}

absl::Status Connection::State::SetUp(const Request& request, const Url& url) {
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
  curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(curl, CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS, 200L);
  if (request.method == Method::kPost) {
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.payload.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.payload.c_str());  // not copied
  }
  if (IsLoopback(url.host)) curl_easy_setopt(curl, CURLOPT_PROXY, "");
  return url.scheme == "https" ? SetTrust(url) : absl::OkStatus();
}

void Connection::State::Trace(const Request& request, const Url& url, long status,
                              CURLcode code) const {
  if (!options.trace) return;
  options.trace(absl::StrCat(MethodName(request.method), " ", base::Printable(FormatOrigin(url)),
                             " ", base::Printable(url.target.substr(0, url.target.find('?'))),
                             " -> ", status, code == CURLE_OK ? "" : ": ",
                             code == CURLE_OK ? "" : curl_easy_strerror(code)));
}

// libcurl's verdict on what `exchange` has collected from `url`.
CURLcode Connection::State::Run(const Request& request, const Url& url, bool authorized,
                                Exchange* exchange, char* detail) {
  curl_slist* lines = nullptr;
  for (const auto& [name, value] : request.headers) {
    lines = curl_slist_append(lines, absl::StrCat(name, ": ", value).c_str());
  }
  if (authorized && !request.authorization.empty()) {
    lines =
        curl_slist_append(lines, absl::StrCat("Authorization: ", request.authorization).c_str());
  }
  // What a server does with no such line is up to it.
  lines = curl_slist_append(lines, "Accept-Encoding: identity");
  const absl::Cleanup free_lines = [lines] { curl_slist_free_all(lines); };
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, lines);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, exchange);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, OnProgress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, exchange);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
  const CURLcode code = curl_easy_perform(curl);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  exchange->response.status = static_cast<int>(status);
  exchange->response.url = url;
  Trace(request, url, status, code);
  return code;
}

absl::StatusOr<Response> Connection::State::Once(const Request& request, const Url& url,
                                                 bool authorized) {
  if (url.scheme == "http" && !MaySpeakHttp(url)) {
    return base::Error(
        absl::StatusCode::kFailedPrecondition, "E_PLAIN_HTTP",
        absl::StrCat(base::Printable(FormatOrigin(url)), ": plain http is only for this machine"));
  }
  STAVE_RETURN_IF_ERROR(SetUp(request, url));
  Exchange exchange{.curl = curl,
                    .options = &options,
                    .request = &request,
                    .flow = Flow(options.stall_timeout),
                    .response = {},
                    .failure = {}};
  char detail[CURL_ERROR_SIZE] = "";
  const CURLcode code = Run(request, url, authorized, &exchange, detail);
  const bool cut = exchange.error_page_cut;
  if (!exchange.failure.ok() && !cut) return Where(exchange.failure, url);
  if (code == CURLE_PEER_FAILED_VERIFICATION && by_hash) {
    by_hash = false;  // nothing was sent yet
    return Once(request, url, authorized);
  }
  if (code != CURLE_OK && !cut) {
    long connect = 0;
    curl_easy_getinfo(curl, CURLINFO_HTTP_CONNECTCODE, &connect);
    return TransferError(code, url, detail, static_cast<int>(connect));
  }
  STAVE_RETURN_IF_ERROR(exchange.GiveHead());  // an answer without a body
  return std::move(exchange.response);
}

Connection::Connection(Options options)
    : state_(new State{std::move(options), nullptr, "", "", {}}) {
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
    const std::string location = response.Header("location");
    if (location.empty()) return refuse("to no address");
    auto next = ResolveUrl(url, location);
    if (!next.ok()) return refuse(next.status().message());
    if (url.scheme == "https" && next->scheme == "http") {
      return refuse(absl::StrCat("from https to ", base::Printable(FormatOrigin(*next))));
    }
    if (next->scheme == "http" && !state_->MaySpeakHttp(*next)) {
      return refuse(absl::StrCat("to ", base::Printable(FormatOrigin(*next)), " in plain http"));
    }
    const bool stays = SameOrigin(*next, url);
    if (request.method == Method::kPost && (!stays || response.status < 307)) {
      return refuse("what is posted is not sent on");
    }
    if (request.same_origin && !stays) {
      return refuse(absl::StrCat("to another place, ", base::Printable(FormatOrigin(*next))));
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
