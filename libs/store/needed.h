// SPDX-License-Identifier: Apache-2.0
//
// What the images of a store consist of, with what is known of each part: the yardstick of a check.
// mark.h answers "may it go?"; this answers "is it there, and as it should be?".
//
//   ref -> index -> the manifests that are here -> config -> diffIDs, chainIDs
//                                               -> blobs of layers
//
// Of an index only this machine's platform has to be unpacked; other platforms have to be whole as
// far as their manifest is here. Documents are read whole and their digests verified. Reads only.

#ifndef STAVE_LIBS_STORE_NEEDED_H_
#define STAVE_LIBS_STORE_NEEDED_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "libs/oci/descriptor.h"
#include "libs/oci/digest.h"
#include "libs/store/finding.h"
#include "libs/store/refs.h"
#include "libs/store/store.h"

namespace stave::store {

struct NeededBlob {
  int64_t size = 0;
  bool document = false;         // an index, a manifest or a config: small
  std::set<std::string> images;  // who needs it, whole references
};

// A layer at one place of one or more images.
struct NeededLayer {
  oci::Digest diff_id;
  oci::Digest chain_id;
  oci::Descriptor blob;
  std::vector<oci::Digest> below;  // chainIDs of the layers under it, base first
  bool unpacked = false;           // has to be: false for another machine's platform
  std::set<std::string> images;
};

struct Needed {
  std::map<oci::Digest, NeededBlob> blobs;
  std::map<oci::Digest, NeededLayer> layers;  // by chainID
  // Documents that are as they came and yet no part of an image, and indexes of which nothing is
  // here. Missing and damaged documents are not among them: their blobs tell.
  std::vector<Finding> findings;
};

// The images that something names: references, and manifests of containers as NAME@DIGEST, where
// they are here. Sorted. Damaged files are left out. Errors: those of reading folders.
absl::StatusOr<std::vector<NamedImage>> ListImages(const Store& store);

Needed FindNeeded(const Store& store, absl::Span<const NamedImage> images);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_NEEDED_H_
