// SPDX-License-Identifier: Apache-2.0
//
// Where an image comes from: one interface over a registry, an OCI layout and a Docker archive.
//
// A source gives bytes. Documents (manifests, indexes) come verified against the descriptor that
// asked for them; blobs come as they are, the caller hashes them.

#ifndef STAVE_LIBS_IMAGE_SOURCE_H_
#define STAVE_LIBS_IMAGE_SOURCE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/oci/descriptor.h"
#include "libs/oci/digest.h"
#include "libs/oci/manifest.h"

namespace stave::image {

// A manifest or index with the exact bytes that its digest is of.
struct Document {
  std::string bytes;
  oci::Digest digest;
  oci::ManifestOrIndex parsed;

  const std::string& media_type() const;
};

// Parses and hashes `bytes`. Errors: those of oci::ParseManifestOrIndex.
absl::StatusOr<Document> MakeDocument(std::string bytes, absl::string_view content_type);

using ByteSink = std::function<absl::Status(absl::string_view)>;

class Source {
 public:
  virtual ~Source() = default;

  // What the name stands for. Errors: NotFound; [E_TAG], with the tags that there are, if a local
  // source holds several images and none was asked for; those of MakeDocument.
  virtual absl::StatusOr<Document> GetTop() = 0;

  // The descriptor of what the name stands for, where the source can tell it for less than the
  // whole; else nullopt. For comparing with what one has: GetTop is what counts. Errors: as above.
  virtual absl::StatusOr<std::optional<oci::Descriptor>> FindTop();

  // The document that an index names. Errors: as above; DataLoss [E_DIGEST], [E_SIZE].
  virtual absl::StatusOr<Document> GetDocument(const oci::Descriptor& descriptor) = 0;

  // The bytes of a blob from `offset` to its end at `size`, in order. Any thread may call.
  // Errors: NotFound; DataLoss [E_SIZE]; those of `sink`, and of the registry.
  virtual absl::Status GetBlob(const oci::Digest& digest, int64_t size, int64_t offset,
                               const ByteSink& sink) = 0;

  // The blob that came does not have its digest. True if it would come from elsewhere the next
  // time, so that it is worth getting anew, from its start. Any thread may call.
  virtual bool Reject(const oci::Digest& digest);

  // Ends the calls that run, and those to come, with Cancelled, where they might take long. Any
  // thread may call.
  virtual void Cancel();
};

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_SOURCE_H_
