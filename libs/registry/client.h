// SPDX-License-Identifier: Apache-2.0
//
// The reading half of the OCI distribution protocol: manifests and blobs of one repository.
//
//   GET /v2/library/alpine/manifests/latest        GET /v2/library/alpine/blobs/sha256:..
//
// - A registry on this machine is spoken to in http, or in https if that is what it answers; every
//   other in https, never in http unless http::Options.plain_http says so.
// - 401: a bearer token for `repository:PATH:pull` is asked for, without credentials, where
//   http::CheckRealm allows it; it is kept, and renewed once a request when it is refused.
// - 429 and 5xx, broken connections and time-outs are tried again, a few times, waiting as
//   Retry-After says (at most a minute) or longer each time. A blob goes on where it broke off.
//
// Any thread may call; each call uses a connection of its own, kept open for the next.
// Sources: distribution-spec 1.1 "Pull"; distribution docs/spec/auth/token.md.

#ifndef STAVE_LIBS_IMAGE_REGISTRY_H_
#define STAVE_LIBS_IMAGE_REGISTRY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/http/transfer.h"
#include "libs/oci/digest.h"

namespace stave::image {

struct RegistryOptions {
  http::Options http;
  absl::Duration back_off = absl::Milliseconds(500);  // before the second try; then twice as long
};

struct RawManifest {
  std::string bytes;         // as sent, at most oci::kMaxManifestSize
  std::string content_type;  // what the registry says it is
  oci::Digest digest;        // of bytes
};

class Registry {
 public:
  // ApiHost() and path() of a reference: "registry-1.docker.io" or "host:port", "library/alpine".
  Registry(std::string host, std::string path, RegistryOptions options);
  Registry(Registry&&) noexcept;
  ~Registry();

  // A manifest or index by tag or digest ("sha256:.."). If asked by digest, the bytes have it.
  // Errors: NotFound; PermissionDenied [E_DENIED] (private, or not there and not told);
  // ResourceExhausted [E_RATE] when 429 does not end; Unavailable [E_REMOTE], also for text/html;
  // DataLoss [E_DIGEST]; ResourceExhausted [E_LIMIT] for too many bytes; those of
  // http::Connection.
  absl::StatusOr<RawManifest> GetManifest(absl::string_view tag_or_digest);

  // The bytes of a blob from `offset` on to its end at `size`, in order, each once. Nothing is
  // hashed here. Errors: as above; DataLoss [E_SIZE] if the blob is longer or shorter; those of
  // `sink`.
  absl::Status GetBlob(const oci::Digest& digest, int64_t size, int64_t offset,
                       const std::function<absl::Status(absl::string_view)>& sink);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_REGISTRY_H_
