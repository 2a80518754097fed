// SPDX-License-Identifier: Apache-2.0
//
// One HTTP connection at a time: GET, HEAD and POST with bounded answers, redirects followed by us.
//
//   http::Connection connection({.user_agent = "stave/0.1.0"});
//   http::Request request{.url = *http::ParseUrl("https://registry-1.docker.io/v2/")};
//   STAVE_ASSIGN_OR_RETURN(http::Response response, connection.Perform(request));
//
// A thin owner around a libcurl easy handle, which keeps its connection alive between requests. Use
// one from one thread at a time. What is always so:
// - http and https only, TLS 1.2 or newer, certificate and host name verified. http only to hosts
//   that IsLoopback() says, or where Options.plain_http is set. Options.insecure_host is exempt.
// - At most 10 redirects; from https to http never. `authorization` goes with the origin of
//   Request.url only and is dropped at the first redirect to another one. `same_origin` and
//   a payload go to no other origin at all.
// - HTTP_PROXY (lower case only for http, as curl), HTTPS_PROXY, ALL_PROXY and NO_PROXY are
//   honoured; loopback hosts are never asked of a proxy.
// - Certificates: those of SSL_CERT_FILE, or else those that lie under their hashes in SSL_CERT_DIR
//   (/etc/ssl/certs) and the system's; and those of host_certificates.h.
// - "identity" is the only content coding that is asked for, and another is refused: digests are of
//   raw bytes. So is an answer that tells its length in two ways.

#ifndef STAVE_LIBS_HTTP_TRANSFER_H_
#define STAVE_LIBS_HTTP_TRANSFER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/http/url.h"

namespace stave::http {

struct Options {
  std::string user_agent;
  bool plain_http = false;  // http to any host
  // A host whose certificate is not verified, and to which http is spoken; as in Url.
  std::string insecure_host;
  absl::Duration connect_timeout = absl::Seconds(20);
  // No byte for so long, or for twice as long fewer than 1024 a second. What `body` takes of the
  // time does not count.
  absl::Duration stall_timeout = absl::Seconds(30);
  // Asked about once a second: whether to end the request, as Cancelled.
  std::function<bool()> cancelled;
  // Where HOST[:PORT]/ may hold certificates for a host.
  std::vector<std::string> certificate_folders = {"/etc/containers/certs.d", "/etc/docker/certs.d"};
  // Called with one line of diagnosis for each request; holds no header values.
  std::function<void(absl::string_view)> trace;
};

enum class Method { kGet, kHead, kPost };

struct Response {
  int status = 0;
  Url url;  // of the last request, after redirects
  // In order, names in lower case, values without space around them. At most 128 KiB and 500.
  std::vector<std::pair<std::string, std::string>> headers;
  // The body, unless a sink took it. At most Request.max_body bytes.
  std::string body;

  // The first header `name` (lower case), or "".
  std::string Header(absl::string_view name) const;
};

struct Request {
  Method method = Method::kGet;
  Url url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string authorization;  // the value of the header; "" for none
  std::string payload;        // of kPost; its type is among `headers`
  bool same_origin = false;   // a redirect to another origin is an error [E_REDIRECT]
  size_t max_body = size_t{1} << 20;
  // Called once with the head of an answer of 200..299, before its body. An error ends the request
  // and is returned as it is.
  std::function<absl::Status(const Response&)> head;
  // Takes the body of an answer of 200..299 in pieces; may block. Errors as above. Without it, and
  // for other answers, the body goes to Response.body.
  std::function<absl::Status(absl::string_view)> body;
};

class Connection {
 public:
  explicit Connection(Options options);
  Connection(Connection&&) noexcept;
  ~Connection();

  // Sends the request, follows redirects, returns whatever HTTP answer comes at the end.
  // Errors: Unavailable [E_CONNECT] if the host cannot be found or nobody listens there;
  // Unavailable [E_REMOTE] if it breaks off, FailedPrecondition [E_REMOTE] if it breaks the
  // protocol; DeadlineExceeded [E_TIMEOUT]; Cancelled;
  // PermissionDenied [E_TLS] for a certificate that does not hold; FailedPrecondition [E_REDIRECT];
  // FailedPrecondition [E_PLAIN_HTTP] for http to a host that is not this machine;
  // ResourceExhausted [E_LIMIT] for a header or body over its bound; those of `head` and `body`.
  // Bytes already given to `body` stay given.
  absl::StatusOr<Response> Perform(const Request& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stave::http

#endif  // STAVE_LIBS_HTTP_TRANSFER_H_
