// SPDX-License-Identifier: Apache-2.0
//
// The images of the store as listings tell of them: id, names, age, labels, sizes, and who uses
// them. Takes no lock, repairs nothing, and a store that is not there has none; what a pull or a
// removal changes meanwhile is seen as it was before or as it is after.

#ifndef STAVE_LIBS_IMAGE_STORED_IMAGE_H_
#define STAVE_LIBS_IMAGE_STORED_IMAGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/json/value.h"
#include "libs/oci/digest.h"
#include "libs/oci/image_config.h"
#include "libs/store/refs.h"
#include "libs/store/store.h"

namespace stave::image {

struct StoredLayer {
  oci::Digest diff_id;
  std::optional<oci::Digest> key;  // what it is filed under; nullopt: not unpacked here
  int64_t size = 0;                // bytes of its files
};

struct StoredImage {
  oci::Digest id;                          // digest of its config
  std::vector<store::NamedImage> names;    // sorted; none: "dangling"
  std::vector<oci::Digest> manifests;      // that no name leads to
  json::Value document;                    // its config as it came; null where it cannot be read
  std::optional<oci::ImageConfig> config;  // the same, checked; nullopt likewise
  std::optional<absl::Time> created;
  std::vector<StoredLayer> layers;      // base first
  int64_t size = 0;                     // of all layers
  std::vector<std::string> containers;  // ids of those made from it, if asked for
  std::optional<absl::Time> named;      // when one of its names was last set
};

struct ListOptions {
  bool unnamed = true;      // also those without a name: looks into every small blob of nobody
  bool containers = false;  // fill in `containers`: reads every container's document
};

// All images, newest first, those of the same moment by name, then id. Names and containers that
// are damaged are left out, and so are images without a name whose config cannot be read.
// Errors: those of readdir(3).
absl::StatusOr<std::vector<StoredImage>> ListStoredImages(const store::Store& store,
                                                          const ListOptions& options);

// The image that `text` means: a name ("alpine", "reg.io/a:1", "alpine@sha256:..") before the
// beginning of an id ("05455a08881e", "sha256:05455..."). Of a name that means several platforms'
// images this machine's, else the newest.
// Errors: NotFound [E_NOT_FOUND] `No such image: x:latest`; InvalidArgument [E_AMBIGUOUS]; those of
// readdir(3).
absl::StatusOr<StoredImage> FindStoredImage(const store::Store& store, absl::string_view text);

// Its names as people read them: "alpine:latest"; and with digests: "alpine@sha256:..". A name that
// was given here (store::kTaggedHereAnnotation) has no digest: no registry knows it.
std::vector<std::string> RepoTags(const StoredImage& image);
std::vector<std::string> RepoDigests(const StoredImage& image);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_STORED_IMAGE_H_
