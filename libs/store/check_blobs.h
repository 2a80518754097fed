// SPDX-License-Identifier: Apache-2.0
//
// The part of a check that looks at blobs: each that an image needs is there with its size, and
// each that is there has the digest that it is named by.

#ifndef STAVE_LIBS_STORE_CHECK_BLOBS_H_
#define STAVE_LIBS_STORE_CHECK_BLOBS_H_

#include <set>

#include "absl/status/statusor.h"
#include "libs/oci/digest.h"
#include "libs/store/check_roots.h"
#include "libs/store/finding.h"
#include "libs/store/needed.h"
#include "libs/store/store.h"

namespace stave::store {

enum class Depth {
  kQuick,  // sizes, and the digests of documents
  kWhole,  // every byte
};
enum class Extent {
  kImages,  // only what `needed` names
  kStore,   // everything that is there
};

struct BlobCheck {
  Depth depth = Depth::kWhole;
  Extent extent = Extent::kStore;
  Mend mend = Mend::kNo;
};

// Tells of blobs that are missing or not what they should be, and of what is no blob at all;
// returns the digests of those that are not to be relied on. One that a pull is bringing now is not
// told. kYes: what is wrong is removed, so that a fetch brings it again; that does not mend it yet.
// Errors: those of reading the folder.
absl::StatusOr<std::set<oci::Digest>> CheckBlobs(const Store& store, const Needed& needed,
                                                 const BlobCheck& how, Findings* findings);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_CHECK_BLOBS_H_
