// SPDX-License-Identifier: Apache-2.0
//
// A reference -> the image that it names here, with everything that a container needs of it: what
// image-fetch does for a present image. Reads one ref and two or three small blobs.

#ifndef STAVE_LIBS_STORE_RESOLVE_H_
#define STAVE_LIBS_STORE_RESOLVE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "libs/oci/digest.h"
#include "libs/oci/image_config.h"
#include "libs/oci/manifest.h"
#include "libs/oci/platform.h"
#include "libs/oci/reference.h"
#include "libs/store/store.h"

namespace stave::store {

struct ResolvedImage {
  oci::Reference reference;     // as asked for
  oci::Digest manifest_digest;  // of the platform's manifest, also where the ref names an index
  oci::Manifest manifest;
  oci::ImageConfig config;
  std::vector<oci::Digest> layers;  // keys, base first
};

// Errors: NotFound naming what is missing: the ref, a blob or a layer (then a pull completes it),
// or [E_PLATFORM] if the index has nothing for `platform`; DataLoss [E_CORRUPT] for a blob of a
// wrong size; [E_JSON] and [E_MANIFEST] for damaged ones.
absl::StatusOr<ResolvedImage> ResolveImage(const Store& store, const oci::Reference& reference,
                                           const oci::Platform& platform);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_RESOLVE_H_
