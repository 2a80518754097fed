// SPDX-License-Identifier: Apache-2.0
//
// What a reference points at: an index (which image for which platform) or a manifest (which config
// and layers). OCI's forms and Docker's are read alike.
//
//   {"schemaVersion":2,"mediaType":"..index..","manifests":[{descriptor, "platform":{..}}, ..]}
//   {"schemaVersion":2,"mediaType":"..manifest..","config":{descriptor},"layers":[{..}, ..]}
//
// The bytes come from a stranger and may be meant to look like both; so: never both members, and
// the text's own mediaType, the Content-Type and the shape have to agree.
// Sources: image-spec manifest.md, image-index.md; Docker's manifest-v2-2; CVE-2021-41190.

#ifndef STAVE_LIBS_OCI_MANIFEST_H_
#define STAVE_LIBS_OCI_MANIFEST_H_

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/oci/descriptor.h"
#include "libs/oci/platform.h"

namespace stave::oci {

inline constexpr size_t kMaxManifestSize = size_t{4} << 20;
inline constexpr int kMaxIndexDepth = 4;  // indexes within indexes that a caller should follow

struct Index {
  std::string media_type;
  std::vector<Descriptor> manifests;  // entries whose digest is of an unknown kind are left out
};

struct Manifest {
  std::string media_type;
  Descriptor config;
  std::vector<Descriptor> layers;  // base first; may be none
};

using ManifestOrIndex = std::variant<Manifest, Index>;

// Parses `bytes`, at most kMaxManifestSize. `content_type` is what the registry's header (or the
// descriptor) said, "" if nothing; generic ones (application/json, octet-stream, text/plain) say
// nothing either.
// Errors: ResourceExhausted [E_LIMIT]; InvalidArgument [E_JSON]; InvalidArgument [E_MANIFEST] for
// all that the text above names, an HTML page, schemaVersion 1, an artifact that is no image, and
// layers that are encrypted, foreign or of an unknown type; Unimplemented [E_UNSUPPORTED] for a
// sha512 digest.
absl::StatusOr<ManifestOrIndex> ParseManifestOrIndex(absl::string_view bytes,
                                                     absl::string_view content_type);

// What the message of an index that has nothing for a platform begins with.
inline constexpr char kNoImageFor[] = "no image for ";

// The entry of `index` for `wanted`: the first of the best platform in PlatformOrder; where none
// names a fit, the first image or index without a platform.
// Errors: NotFound [E_PLATFORM], naming the platforms that there are.
absl::StatusOr<Descriptor> ChooseManifest(const Index& index, const Platform& wanted);

}  // namespace stave::oci

#endif  // STAVE_LIBS_OCI_MANIFEST_H_
