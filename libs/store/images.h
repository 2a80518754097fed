// SPDX-License-Identifier: Apache-2.0
//
// Images as people mean them: an image's id is the digest of its config, as Docker's; it may have
// several names, or none any more. A reference to an index is a name of each of its platforms'
// images that is here.
//
// Needs the origins (mark.h), and reads documents; under LockToCollect nothing of it changes.

#ifndef STAVE_LIBS_STORE_IMAGES_H_
#define STAVE_LIBS_STORE_IMAGES_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/oci/digest.h"
#include "libs/store/mark.h"
#include "libs/store/refs.h"
#include "libs/store/store.h"

namespace stave::store {

struct Image {
  oci::Digest id;
  std::vector<NamedImage> names;       // sorted
  std::vector<oci::Digest> manifests;  // that no name leads to
};

// Those with names, in the order of the names. What a damaged name means is not among them.
std::vector<Image> NamedImages(const Store& store, const Origins& origins);

// Those that no name leads to: a pull has replaced what the name meant, or the name was removed
// while a container had the image. Looks into every small blob that no name leads to.
// Errors: those of readdir(3).
absl::StatusOr<std::vector<Image>> UnnamedImages(const Store& store, const Origins& origins);

// The image that `text` begins the id of ("sha256:" may be before it).
// Errors: NotFound [E_NOT_FOUND]; InvalidArgument [E_AMBIGUOUS] `Multiple IDs found with provided
// prefix: x`; those of UnnamedImages.
absl::StatusOr<Image> FindImageById(const Store& store, const Origins& origins,
                                    absl::string_view text);

// The containers that were made from one of `ids`.
std::vector<ContainerImage> ContainersOf(const Origins& origins,
                                         const std::vector<oci::Digest>& ids);

// What the names, and manifests without a name, lead to.
Marked MarkNames(const Store& store, const std::vector<NamedImage>& names,
                 const std::vector<oci::Digest>& manifests);

// The keys that the layers of the image `id` may be filed under, base first: diffID, then chainID,
// of each. Empty where its config cannot be read.
std::vector<oci::Digest> LayerKeys(const Store& store, const oci::Digest& id);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_IMAGES_H_
