// SPDX-License-Identifier: Apache-2.0
#include "libs/image/registry.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/status_macros.h"
#include "libs/http/url.h"
#include "libs/image/bearer_token.h"
#include "libs/image/retry.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"
#include "libs/oci/manifest.h"
#include "libs/oci/media_type.h"

namespace stave::image {
namespace {

constexpr char kAccept[] =
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.docker.distribution.manifest.v2+json";
// So much progress makes a broken transfer worth as many tries as a new one.
constexpr int64_t kProgress = int64_t{1} << 20;

absl::Status DigestError(absl::string_view what, const oci::Digest& promised,
                         const oci::Digest& got) {
  return base::Error(
      absl::StatusCode::kDataLoss, "E_DIGEST",
      absl::StrCat(what, " ", promised.ToString(), ": what came is ", got.ToString()));
}

// What the registry says about its refusal: {"errors":[{"code":..,"message":..}]}.
std::string ErrorText(const http::Response& response) {
  const auto answer = json::Parse(response.body);
  if (!answer.ok()) return "";
  const json::Value* errors = answer->Find("errors");
  if (errors == nullptr || errors->elements().empty()) return "";
  const json::Value* message = errors->elements()[0].Find("message");
  if (message == nullptr || !message->is_string() || message->text().empty()) return "";
  return absl::StrCat(": ", base::Printable(message->text(), 200));
}

// An answer that is not the wanted one, as a Status.
absl::Status MapAnswer(const http::Response& response) {
  const std::string said = ErrorText(response);
  switch (response.status) {
    case 404:
      return base::Error(absl::StatusCode::kNotFound, "E_NOT_FOUND", "not found in the registry");
    case 401:
    case 403:
      return base::WithHint(base::Error(absl::StatusCode::kPermissionDenied, "E_DENIED",
                                        absl::StrCat("the registry denies access", said)),
                            "the image does not exist, or it is private");
    case 429:
      return base::WithHint(
          base::Error(absl::StatusCode::kResourceExhausted, "E_RATE",
                      absl::StrCat("the registry allows no more requests for now", said)),
          "wait, or pull from a mirror");
    default:
      return base::Error(absl::StatusCode::kUnavailable, "E_REMOTE",
                         absl::StrCat("the registry answers with status ", response.status, said));
  }
}

// A login page or a captive portal.
absl::Status NotHtml(const http::Response& response) {
  if (oci::BareMediaType(response.Header("content-type")) != "text/html") return absl::OkStatus();
  return base::WithHint(base::Error(absl::StatusCode::kUnavailable, "E_REMOTE",
                                    "the registry returned text/html, not a manifest"),
                        "is it a registry, and no login page before it?");
}

// A blob on its way, over as many requests as it takes.
struct BlobTransfer {
  const oci::Digest& digest;
  int64_t size;
  const std::function<absl::Status(absl::string_view)>& sink;
  int64_t offset;      // what the sink has had
  int64_t last_start;  // where the running request began
  int64_t skip;        // bytes to come that the sink has had: the registry knows no ranges

  absl::Status SizeError(absl::string_view how) const {
    return base::Error(absl::StatusCode::kDataLoss, "E_SIZE",
                       absl::StrCat("blob ", digest.ToString(), ": is ", how, " than the ", size,
                                    " bytes that its descriptor says"));
  }
  absl::Status TakeHead(const http::Response& response);
  absl::Status TakeBody(absl::string_view data);
};

absl::Status BlobTransfer::TakeHead(const http::Response& response) {
  const bool partial = response.status == 206;
  if (partial &&
      !absl::StartsWith(response.Header("content-range"), absl::StrCat("bytes ", offset, "-"))) {
    return base::Error(absl::StatusCode::kUnavailable, "E_REMOTE",
                       absl::StrCat("blob ", digest.ToString(),
                                    ": the registry sends another range than asked for"));
  }
  skip = partial ? 0 : offset;
  const auto length = base::ParseUint(response.Header("content-length"), 0, INT64_MAX);
  if (!length.ok()) return absl::OkStatus();
  const int64_t due = partial ? size - offset : size;
  const auto told = static_cast<int64_t>(*length);
  return told == due ? absl::OkStatus() : SizeError(told > due ? "longer" : "shorter");
}

absl::Status BlobTransfer::TakeBody(absl::string_view data) {
  const int64_t old = std::min<int64_t>(skip, static_cast<int64_t>(data.size()));
  data.remove_prefix(static_cast<size_t>(old));
  skip -= old;
  if (static_cast<int64_t>(data.size()) > size - offset) return SizeError("longer");
  if (data.empty()) return absl::OkStatus();
  STAVE_RETURN_IF_ERROR(sink(data));
  offset += static_cast<int64_t>(data.size());
  return absl::OkStatus();
}

}  // namespace

struct Registry::State {
  std::string host;
  std::string path;
  RegistryOptions options;
  BearerToken token;
  std::mutex mutex;
  std::optional<http::Url> root;  // https://host:port/, once it is known
  std::vector<http::Connection> idle;

  State(std::string host, std::string path, RegistryOptions options)
      : host(std::move(host)),
        path(std::move(path)),
        options(std::move(options)),
        token(this->path) {}

  http::Connection Take();
  void GiveBack(http::Connection connection);
  absl::StatusOr<http::Url> FindRoot(http::Connection& connection);
  absl::StatusOr<http::Response> Send(http::Connection& connection,
                                      const std::function<http::Request(int*)>& make);
};

http::Connection Registry::State::Take() {
  const std::lock_guard<std::mutex> lock(mutex);
  if (idle.empty()) return http::Connection(options.http);
  http::Connection connection = std::move(idle.back());
  idle.pop_back();
  return connection;
}

void Registry::State::GiveBack(http::Connection connection) {
  const std::lock_guard<std::mutex> lock(mutex);
  idle.push_back(std::move(connection));
}

absl::StatusOr<http::Url> Registry::State::FindRoot(http::Connection& connection) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (root.has_value()) return *root;
  STAVE_ASSIGN_OR_RETURN(http::Url url, http::ParseUrl(absl::StrCat("https://", host, "/v2/")));
  STAVE_ASSIGN_OR_RETURN(const http::Url plain,
                         http::ParseUrl(absl::StrCat("http://", host, "/v2/")));
  if (options.http.plain_http) url = plain;
  if (!options.http.plain_http && http::IsLoopback(url.host)) {
    http::Request ping;
    ping.url = plain;
    const auto answer = connection.Perform(ping);
    // A TLS server breaks off, or tells that it was spoken to in http with a status of 400.
    const bool tls =
        answer.ok() ? answer->status == 400 : base::ErrorWord(answer.status()) == "E_REMOTE";
    if (!tls) url = plain;
  }
  root = url;
  return url;
}

// Sends what `make` makes until it is answered with something that a further try will not change.
// `make` may set the number of tries back.
absl::StatusOr<http::Response> Registry::State::Send(
    http::Connection& connection, const std::function<http::Request(int*)>& make) {
  bool renewed = false;
  for (int tries = 1;; ++tries) {
    http::Request request = make(&tries);
    request.authorization = token.Authorization();
    absl::StatusOr<http::Response> outcome = connection.Perform(request);
    // A challenge counts only from the registry itself, not from where it redirected to.
    if (outcome.ok() && outcome->status == 401 && !renewed &&
        http::SameOrigin(outcome->url, request.url)) {
      STAVE_RETURN_IF_ERROR(token.Renew(connection, *outcome, request.authorization));
      renewed = true;
      --tries;
      continue;
    }
    const auto wait = NextTry(tries, options.back_off, outcome, absl::Now());
    if (!wait.has_value()) return outcome;
    if (options.http.trace)
      options.http.trace(absl::StrCat("again in ", absl::FormatDuration(*wait)));
    absl::SleepFor(*wait);
  }
}

Registry::Registry(std::string host, std::string path, RegistryOptions options)
    : state_(new State(std::move(host), std::move(path), std::move(options))) {}
Registry::Registry(Registry&&) noexcept = default;
Registry::~Registry() = default;

absl::StatusOr<RawManifest> Registry::GetManifest(absl::string_view tag_or_digest) {
  std::optional<oci::Digest> wanted;
  if (absl::StrContains(tag_or_digest, ":")) {
    STAVE_ASSIGN_OR_RETURN(wanted, oci::Digest::Parse(tag_or_digest));
  }
  http::Connection connection = state_->Take();
  STAVE_ASSIGN_OR_RETURN(http::Url url, state_->FindRoot(connection));
  absl::StrAppend(&url.target, state_->path, "/manifests/", tag_or_digest);
  STAVE_ASSIGN_OR_RETURN(http::Response response, state_->Send(connection, [&](int*) {
    http::Request request;
    request.url = url;
    request.headers = {{"Accept", kAccept}};
    request.max_body = oci::kMaxManifestSize;
    return request;
  }));
  state_->GiveBack(std::move(connection));
  if (response.status != 200) return MapAnswer(response);
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

absl::Status Registry::GetBlob(const oci::Digest& digest, int64_t size, int64_t offset,
                               const std::function<absl::Status(absl::string_view)>& sink) {
  if (offset == size) return absl::OkStatus();
  http::Connection connection = state_->Take();
  STAVE_ASSIGN_OR_RETURN(http::Url url, state_->FindRoot(connection));
  absl::StrAppend(&url.target, state_->path, "/blobs/", digest.ToString());
  BlobTransfer transfer{digest, size, sink, offset, offset, 0};
  const auto outcome = state_->Send(connection, [&](int* tries) {
    if (transfer.offset - transfer.last_start >= kProgress) *tries = 1;
    transfer.last_start = transfer.offset;
    http::Request request;
    request.url = url;
    if (transfer.offset > 0) {
      request.headers = {{"Range", absl::StrCat("bytes=", transfer.offset, "-")}};
    }
    request.head = [&](const http::Response& response) { return transfer.TakeHead(response); };
    request.body = [&](absl::string_view data) { return transfer.TakeBody(data); };
    return request;
  });
  STAVE_RETURN_IF_ERROR(outcome.status());
  state_->GiveBack(std::move(connection));
  if (outcome->status != 200 && outcome->status != 206) {
    return base::WithContext(MapAnswer(*outcome), absl::StrCat("blob ", digest.ToString()));
  }
  return transfer.offset == size ? absl::OkStatus() : transfer.SizeError("shorter");
}

}  // namespace stave::image
