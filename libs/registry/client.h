// SPDX-License-Identifier: Apache-2.0
//
// The reading half of the OCI distribution protocol: manifests and blobs of one repository.
//
//   GET /v2/library/alpine/manifests/latest        GET /v2/library/alpine/blobs/sha256:..
//
// - A registry on this machine is spoken to in http, or in https if that is what it answers; every
//   other in https, never in http unless http::Options.plain_http says so.
// - 401: what it asks for is got and kept, see token.h. The credential is looked for before the
//   first request, so that a broken configuration sends nothing.
// - What fails in passing is tried again, see retry.h. A blob goes on where it broke off, see
//   blob_transfer.h.
// - A host that http::Options.insecure_host names is spoken to in https or, if it has none, http.
//
// Any thread may call; each call uses a connection of its own, kept open for the next.
// Sources: distribution-spec 1.1 "Pull"; distribution docs/spec/auth/token.md.

#ifndef STAVE_LIBS_REGISTRY_CLIENT_H_
#define STAVE_LIBS_REGISTRY_CLIENT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/http/transfer.h"
#include "libs/oci/digest.h"
#include "libs/registry/credential.h"
#include "libs/registry/token.h"

namespace stave::registry {

enum class Note {
  kProgress,  // why nothing moves for a while
  kWarning,   // what the user should know, also of a pull that succeeds; each text once
};

struct ClientOptions {
  http::Options http;
  int tries = 5;                                      // of each request, see retry.h
  absl::Duration back_off = absl::Milliseconds(500);  // before the second try; then twice as long
  CredentialSource credential;                        // empty: anonymous
  TokenServers token_servers;
  std::vector<std::string> scopes;  // for token servers, besides the repository's
  // A line for the user, printable: "waiting 7 s, as quay.io asks", what the registry itself warns
  // of, a rate limit that is nearly used up. Any thread may call.
  std::function<void(Note, absl::string_view)> note;
};

struct ManifestHead {
  oci::Digest digest;
  int64_t size = 0;
  std::string content_type;
};

struct RawManifest {
  std::string bytes;         // as sent, at most oci::kMaxManifestSize
  std::string content_type;  // what the registry says it is
  oci::Digest digest;        // of bytes
};

class Client {
 public:
  // ApiHost() and path() of a reference: "registry-1.docker.io" or "host:port", "library/alpine".
  Client(std::string host, std::string path, ClientOptions options);
  Client(Client&&) noexcept;
  ~Client();

  // GET /v2/: whether there is a registry that lets us in. Errors: as below.
  absl::Status Ping();

  // GET of another part of the registry's API, "_catalog?n=100" below /v2/, as JSON of at most
  // `max` bytes. Errors: as below.
  absl::StatusOr<http::Response> GetJson(absl::string_view target, size_t max);

  // What a tag stands for now, as the registry says, with a request that rate limits do not count;
  // nullopt if it does not say. Only good for comparing with what one has. Errors: those of
  // authentication; those of http::Connection where a further request would not succeed either.
  absl::StatusOr<std::optional<ManifestHead>> HeadManifest(absl::string_view tag);

  // A manifest or index by tag or digest ("sha256:.."). If asked by digest, the bytes have it.
  // Errors: those of refusal.h; Unavailable [E_REMOTE] for text/html; DataLoss [E_DIGEST];
  // ResourceExhausted [E_LIMIT] for too many bytes; those of authentication (token.h) and of
  // http::Connection.
  absl::StatusOr<RawManifest> GetManifest(absl::string_view tag_or_digest);

  // The bytes of a blob from `offset` on to its end at `size`, in order, each once. Nothing is
  // hashed here. Errors: as above, and those of blob_transfer.h and `sink`.
  absl::Status GetBlob(const oci::Digest& digest, int64_t size, int64_t offset,
                       const std::function<absl::Status(absl::string_view)>& sink);

  // Ends the calls that run, and those to come, with Cancelled: about at once, also where they
  // wait.
  void Cancel();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stave::registry

#endif  // STAVE_LIBS_REGISTRY_CLIENT_H_
