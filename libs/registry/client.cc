// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/client.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/status_macros.h"
#include "libs/http/url.h"
#include "libs/oci/manifest.h"
#include "libs/oci/media_type.h"
#include "libs/registry/blob_transfer.h"
#include "libs/registry/rate_limit.h"
#include "libs/registry/refusal.h"
#include "libs/registry/retry.h"
#include "libs/registry/token.h"

namespace stave::registry {
namespace {

constexpr char kAccept[] =
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.docker.distribution.manifest.v2+json";
// How often one request is made again for a 401: others may use up a token that we have just got.
constexpr int kMaxRenewals = 3;
// So much progress makes a broken transfer worth as many tries as a new one.
constexpr int64_t kProgress = int64_t{64} << 10;
constexpr size_t kMaxWarnings = 16;

absl::Status DigestError(absl::string_view what, const oci::Digest& promised,
                         const oci::Digest& got) {
  return base::Error(
      absl::StatusCode::kDataLoss, "E_DIGEST",
      absl::StrCat(what, " ", promised.ToString(), ": what came is ", got.ToString()));
}

// A login page or a captive portal.
absl::Status NotHtml(const http::Response& response) {
  if (oci::BareMediaType(response.Header("content-type")) != "text/html") return absl::OkStatus();
  return base::WithHint(base::Error(absl::StatusCode::kUnavailable, "E_REMOTE",
                                    "the registry returned text/html, not a manifest"),
                        "is it a registry, and no login page before it?");
}

// How a request is to be tried.
struct Ways {
  int tries;
  // What an outcome means for what is transferred; and whether it brought so much that the next try
  // counts as a first one.
  std::function<absl::StatusOr<http::Response>(absl::StatusOr<http::Response>)> judge;
  std::function<bool()> progressed;
};

// Whether a TLS server seems to listen at `plain`, an address in http.
bool SpeaksTls(http::Connection& connection, const http::Url& plain, const http::Url& secure) {
  http::Request ping;
  ping.url = plain;
  const auto answer = connection.Perform(ping);
  // It breaks off, or tells that it was spoken to in http with a status of 400.
  if (answer.ok()) return answer->status == 400;
  if (base::ErrorWord(answer.status()) != "E_REMOTE") return false;
  // So does a registry in trouble: then it does not speak TLS either.
  ping.url = secure;
  const auto again = connection.Perform(ping);
  return again.ok() || absl::IsPermissionDenied(again.status());
}

}  // namespace

struct Client::State {
  std::string host;
  std::string path;
  ClientOptions options;
  Authorizer authorizer;
  std::mutex mutex;
  std::mutex waiting;
  std::condition_variable woken;
  std::atomic<bool> cancelled{false};
  std::optional<http::Url> root;  // https://host:port/v2/, once it is known
  std::vector<http::Connection> idle;
  std::set<std::string> warned;  // what the user was told

  State(std::string host, std::string path, ClientOptions options)
      : host(std::move(host)),
        path(std::move(path)),
        options(std::move(options)),
        authorizer(MakeAuthorizerOptions()) {
    this->options.http.cancelled = [this, also = this->options.http.cancelled] {
      return cancelled || (also && also());
    };
  }

  http::Connection Take();
  void GiveBack(http::Connection connection);
  absl::StatusOr<http::Url> FindRoot(http::Connection& connection);
  absl::StatusOr<http::Response> Ask(http::Connection& connection, http::Request request);
  absl::StatusOr<http::Response> Send(http::Connection& connection, const Ways& ways,
                                      const std::function<http::Request()>& make);
  AuthorizerOptions MakeAuthorizerOptions();
  absl::Status Wait(absl::Duration time, bool asked, absl::string_view asker);
  void Tell(const std::string& text);
  void TellWarnings(const http::Response& response);
  void TellRateLimit(const http::Response& response);
  absl::Status Refusal(const http::Response& response, const http::Url& url) const {
    return RefusalOf(response, url, authorizer.Hint(), absl::Now());
  }
};

AuthorizerOptions Client::State::MakeAuthorizerOptions() {
  AuthorizerOptions made;
  made.host = host;
  made.scopes = options.scopes;
  if (!path.empty()) made.scopes.push_back(absl::StrCat("repository:", path, ":pull"));
  made.credential = options.credential;
  made.token_servers = options.token_servers;
  made.back_off = options.back_off;
  made.trace = options.http.trace;
  made.wait = [this](absl::Duration time, bool asked) {
    return Wait(time, asked, absl::StrCat("the token server of ", base::Printable(host)));
  };
  return made;
}

http::Connection Client::State::Take() {
  const std::lock_guard<std::mutex> lock(mutex);
  if (idle.empty()) return http::Connection(options.http);
  http::Connection connection = std::move(idle.back());
  idle.pop_back();
  return connection;
}

void Client::State::GiveBack(http::Connection connection) {
  const std::lock_guard<std::mutex> lock(mutex);
  idle.push_back(std::move(connection));
}

absl::StatusOr<http::Url> Client::State::FindRoot(http::Connection& connection) {
  STAVE_RETURN_IF_ERROR(authorizer.Prepare());
  const std::lock_guard<std::mutex> lock(mutex);
  if (root.has_value()) return *root;
  STAVE_ASSIGN_OR_RETURN(http::Url url, http::ParseUrl(absl::StrCat("https://", host, "/v2/")));
  STAVE_ASSIGN_OR_RETURN(const http::Url plain,
                         http::ParseUrl(absl::StrCat("http://", host, "/v2/")));
  if (options.http.plain_http) {
    url = plain;
  } else if (http::IsLoopback(url.host)) {
    if (!SpeaksTls(connection, plain, url)) url = plain;
  } else if (url.host == options.http.insecure_host) {
    http::Request ping;
    ping.url = url;
    const std::string word = base::ErrorWord(connection.Perform(ping).status());
    if (word == "E_TLS" || word == "E_CONNECT" || word == "E_REMOTE") url = plain;
  }
  root = url;
  return url;
}

void Client::State::Tell(const std::string& text) {
  {
    const std::lock_guard<std::mutex> lock(mutex);
    if (warned.size() >= kMaxWarnings || !warned.insert(text).second) return;
  }
  if (options.note) options.note(Note::kWarning, text);
}

void Client::State::TellWarnings(const http::Response& response) {
  for (const std::string& text : WarningsOf(response)) {
    Tell(absl::StrCat(base::Printable(host), " warns: ", text));
  }
}

// Once: the number goes on falling while others pull.
void Client::State::TellRateLimit(const http::Response& response) {
  const auto limit = ParseRateLimit(response);
  if (!limit.has_value() || !limit->IsLow() || response.status == 429) return;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    if (!warned.insert("rate limit").second) return;
  }
  if (options.note) {
    options.note(Note::kWarning,
                 absl::StrCat(base::Printable(host), ": ", limit->ToString(),
                              " (a login may be allowed more: ", LoginCommand(host), ")"));
  }
}

// One request, made again with what the registry asks for.
absl::StatusOr<http::Response> Client::State::Ask(http::Connection& connection,
                                                  http::Request request) {
  for (int renewals = 0;; ++renewals) {
    STAVE_ASSIGN_OR_RETURN(request.authorization, authorizer.Header(connection));
    absl::StatusOr<http::Response> outcome = connection.Perform(request);
    if (outcome.ok()) TellWarnings(*outcome);
    // A challenge counts only from the registry itself, not from where it redirected to.
    if (!outcome.ok() || outcome->status != 401 || renewals >= kMaxRenewals ||
        !http::SameOrigin(outcome->url, request.url)) {
      return outcome;
    }
    STAVE_RETURN_IF_ERROR(authorizer.Renew(connection, *outcome, request.authorization));
  }
}

absl::Status Client::State::Wait(absl::Duration time, bool asked, absl::string_view asker) {
  if (asked && time >= absl::Seconds(1) && options.note) {
    options.note(Note::kProgress,
                 absl::StrCat("waiting ", absl::ToInt64Seconds(absl::Ceil(time, absl::Seconds(1))),
                              " s, as ", asker, " asks"));
  }
  std::unique_lock<std::mutex> lock(waiting);
  woken.wait_for(lock, absl::ToChronoNanoseconds(time), [this] { return cancelled.load(); });
  return cancelled ? absl::CancelledError("no longer wanted") : absl::OkStatus();
}

// Sends what `make` makes until the outcome is one that a further try will not change.
absl::StatusOr<http::Response> Client::State::Send(http::Connection& connection, const Ways& ways,
                                                   const std::function<http::Request()>& make) {
  RetryLimits limits;
  limits.tries = ways.tries;
  limits.back_off = options.back_off;
  Tries tries(limits, absl::Now(), RandomSeed());
  while (true) {
    absl::StatusOr<http::Response> outcome = Ask(connection, make());
    if (ways.judge) outcome = ways.judge(std::move(outcome));
    if (ways.progressed && ways.progressed()) tries.StartAnew(absl::Now());
    const auto wait = tries.Next(outcome, absl::Now());
    if (!wait.has_value()) return outcome;
    if (options.http.trace) {
      options.http.trace(absl::StrCat("again in ", absl::FormatDuration(*wait)));
    }
    const bool asked = outcome.ok() && RetryAfter(*outcome, absl::Now()).has_value();
    STAVE_RETURN_IF_ERROR(Wait(*wait, asked, base::Printable(host)));
  }
}

Client::Client(std::string host, std::string path, ClientOptions options)
    : state_(new State(std::move(host), std::move(path), std::move(options))) {}
Client::Client(Client&&) noexcept = default;
Client::~Client() = default;

absl::Status Client::Ping() {
  http::Connection connection = state_->Take();
  STAVE_ASSIGN_OR_RETURN(const http::Url url, state_->FindRoot(connection));
  const Ways ways{state_->options.tries, nullptr, nullptr};
  STAVE_ASSIGN_OR_RETURN(const http::Response response, state_->Send(connection, ways, [&] {
    http::Request request;
    request.url = url;
    return request;
  }));
  state_->GiveBack(std::move(connection));
  return response.status == 200 ? NotHtml(response) : state_->Refusal(response, url);
}

absl::StatusOr<http::Response> Client::GetJson(absl::string_view target, size_t max) {
  http::Connection connection = state_->Take();
  STAVE_ASSIGN_OR_RETURN(http::Url url, state_->FindRoot(connection));
  absl::StrAppend(&url.target, target);
  const Ways ways{state_->options.tries, nullptr, nullptr};
  STAVE_ASSIGN_OR_RETURN(http::Response response, state_->Send(connection, ways, [&] {
    http::Request request;
    request.url = url;
    request.headers = {{"Accept", "application/json"}};
    request.max_body = max;
    return request;
  }));
  state_->GiveBack(std::move(connection));
  if (response.status != 200) return state_->Refusal(response, url);
  STAVE_RETURN_IF_ERROR(NotHtml(response));
  return response;
}

absl::StatusOr<std::optional<ManifestHead>> Client::HeadManifest(absl::string_view tag) {
  http::Connection connection = state_->Take();
  STAVE_ASSIGN_OR_RETURN(http::Url url, state_->FindRoot(connection));
  absl::StrAppend(&url.target, state_->path, "/manifests/", tag);
  http::Request request;
  request.method = http::Method::kHead;
  request.url = url;
  request.headers = {{"Accept", kAccept}};
  // Not tried again: GET is, which says more.
  const auto response = state_->Ask(connection, std::move(request));
  if (!response.ok()) {
    const std::string word = base::ErrorWord(response.status());
    if (word == "E_REMOTE" || word == "E_TIMEOUT") return std::nullopt;
    return response.status();
  }
  state_->GiveBack(std::move(connection));
  state_->TellRateLimit(*response);
  const auto digest = oci::Digest::Parse(response->Header("docker-content-digest"));
  const auto size = base::ParseUint(response->Header("content-length"), 1, oci::kMaxManifestSize);
  if (response->status != 200 || !digest.ok() || !size.ok()) return std::nullopt;
  return ManifestHead{*digest, static_cast<int64_t>(*size), response->Header("content-type")};
}

absl::StatusOr<RawManifest> Client::GetManifest(absl::string_view tag_or_digest) {
  std::optional<oci::Digest> wanted;
  if (absl::StrContains(tag_or_digest, ":")) {
    STAVE_ASSIGN_OR_RETURN(wanted, oci::Digest::Parse(tag_or_digest));
  }
  http::Connection connection = state_->Take();
  STAVE_ASSIGN_OR_RETURN(http::Url url, state_->FindRoot(connection));
  absl::StrAppend(&url.target, state_->path, "/manifests/", tag_or_digest);
  const Ways ways{state_->options.tries, nullptr, nullptr};
  STAVE_ASSIGN_OR_RETURN(http::Response response, state_->Send(connection, ways, [&] {
    http::Request request;
    request.url = url;
    request.headers = {{"Accept", kAccept}};
    request.max_body = oci::kMaxManifestSize;
    return request;
  }));
  state_->GiveBack(std::move(connection));
  state_->TellRateLimit(response);
  if (response.status != 200) return state_->Refusal(response, url);
  STAVE_RETURN_IF_ERROR(NotHtml(response));
  const std::string told = response.Header("docker-content-digest");
  const oci::Digest digest = oci::DigestOf(response.body);
  RawManifest manifest{std::move(response.body), response.Header("content-type"), digest};
  if (wanted.has_value() && manifest.digest != *wanted) {
    return DigestError("manifest", *wanted, manifest.digest);
  }
  // Only compared, never believed. One of another algorithm says nothing.
  const auto header = oci::Digest::Parse(told);
  if (header.ok() && *header != manifest.digest) {
    return DigestError("manifest, in Docker-Content-Digest", *header, manifest.digest);
  }
  return manifest;
}

absl::Status Client::GetBlob(const oci::Digest& digest, int64_t size, int64_t offset,
                             const std::function<absl::Status(absl::string_view)>& sink) {
  if (offset == size) return absl::OkStatus();
  http::Connection connection = state_->Take();
  STAVE_ASSIGN_OR_RETURN(http::Url url, state_->FindRoot(connection));
  absl::StrAppend(&url.target, state_->path, "/blobs/", digest.ToString());
  BlobTransfer transfer(digest, size, offset, sink);
  const Ways ways{
      state_->options.tries,
      [&](absl::StatusOr<http::Response> outcome) { return transfer.Judge(std::move(outcome)); },
      [&] { return transfer.progress() >= kProgress; }};
  const auto outcome = state_->Send(connection, ways, [&] {
    http::Request request;
    request.url = url;
    if (const std::string range = transfer.Begin(); !range.empty()) {
      request.headers = {{"Range", range}};
    }
    request.head = [&](const http::Response& response) { return transfer.TakeHead(response); };
    request.body = [&](absl::string_view data) { return transfer.TakeBody(data); };
    return request;
  });
  if (transfer.done()) {
    if (outcome.ok()) state_->GiveBack(std::move(connection));
    return outcome.status();
  }
  STAVE_RETURN_IF_ERROR(outcome.status());
  state_->GiveBack(std::move(connection));
  return base::WithContext(state_->Refusal(*outcome, url),
                           absl::StrCat("blob ", digest.ToString()));
}

void Client::Cancel() {
  const std::lock_guard<std::mutex> lock(state_->waiting);
  state_->cancelled = true;
  state_->woken.notify_all();
}

}  // namespace stave::registry
