// SPDX-License-Identifier: Apache-2.0
#include "libs/http/transfer_error.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/error.h"

namespace stave::http {
namespace {

// libcurl's text, but for an address of a proxy with its password.
absl::string_view Detail(CURLcode code, const char* detail) {
  const bool tells = detail[0] != '\0' && !absl::StrContains(detail, "@");
  return tells ? detail : curl_easy_strerror(code);
}

absl::Status TlsError(absl::string_view where, absl::string_view text) {
  if (!absl::StrContains(text, "wrong version number")) {
    return base::Error(absl::StatusCode::kUnavailable, "E_TLS", text);
  }
  return base::WithHint(base::Error(absl::StatusCode::kUnavailable, "E_TLS",
                                    absl::StrCat(where, ": what answers there is no TLS")),
                        "a registry without TLS has to be named insecure in registries.conf");
}

}  // namespace

absl::Status TransferError(CURLcode code, const Url& url, const char* detail, int connect_status) {
  const std::string where = base::Printable(FormatOrigin(url));
  const std::string why = base::Printable(Detail(code, detail), 200);
  const std::string text = absl::StrCat(where, ": ", why);
  if (connect_status >= 300) {
    return base::Error(
        absl::StatusCode::kUnavailable, "E_CONNECT",
        absl::StrCat(where, ": the proxy answers CONNECT with status ", connect_status));
  }
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return base::WithHint(
          base::Error(absl::StatusCode::kUnavailable, "E_CONNECT",
                      absl::StrCat(where, ": DNS knows no address of ", base::Printable(url.host))),
          "is the name right, and does DNS work (/etc/resolv.conf)?");
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
    case CURLE_SSL_CERTPROBLEM:
      return base::Error(absl::StatusCode::kFailedPrecondition, "E_TLS", text);
    case CURLE_SSL_CONNECT_ERROR:
      return TlsError(where, text);
    case CURLE_RECV_ERROR:  // TLS 1.3 tells of a certificate of ours, or none, only now
      if (absl::StrContains(text, " alert ")) {
        return base::Error(absl::StatusCode::kPermissionDenied, "E_TLS", text);
      }
      return base::Error(absl::StatusCode::kUnavailable, "E_REMOTE", text);
    case CURLE_OUT_OF_MEMORY:  // so libcurl calls a header line without end
      return base::Error(absl::StatusCode::kResourceExhausted, "E_LIMIT",
                         absl::StrCat(where, ": the header of the answer is too long"));
    case CURLE_UNSUPPORTED_PROTOCOL:  // "HTTP/0.9", which is any text at all
      return base::Error(absl::StatusCode::kFailedPrecondition, "E_REMOTE",
                         absl::StrCat(where, ": what answers there is no HTTP"));
    case CURLE_WEIRD_SERVER_REPLY:
      return base::Error(absl::StatusCode::kFailedPrecondition, "E_REMOTE", text);
    default:
      return base::Error(absl::StatusCode::kUnavailable, "E_REMOTE", text);
  }
}

}  // namespace stave::http
