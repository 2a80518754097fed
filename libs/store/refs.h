// SPDX-License-Identifier: Apache-2.0
//
// Names of images: one small file a reference, the truth about what the name means here.
//
//   docker.io/library/alpine:3.18  ->  refs/docker.io/library/alpine/:3.18
//   quay.io/a/b@sha256:12..        ->  refs/quay.io/a/b/@sha256:12..
//
// The file is the descriptor of what the registry named, an index or a manifest:
//
//   {"mediaType":"application/vnd.oci.image.index.v1+json","digest":"sha256:..","size":1201}
//
// A reference with both a tag and a digest is filed under its digest.

#ifndef STAVE_LIBS_STORE_REFS_H_
#define STAVE_LIBS_STORE_REFS_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/oci/descriptor.h"
#include "libs/oci/reference.h"
#include "libs/store/store.h"

namespace stave::store {

struct NamedImage {
  oci::Reference reference;
  oci::Descriptor descriptor;
};

// Errors: NotFound `docker.io/..: no such image here`; DataLoss [E_CORRUPT] if the file is damaged.
absl::StatusOr<oci::Descriptor> GetRef(const Store& store, const oci::Reference& reference);

// Makes the names of all committed blobs and layers durable, remakes images/index.json, then sets
// the reference, durably. What it refers to must have been committed (ingest.h). On failure the old
// meaning stays; who is killed before the end may leave an index.json that is ahead, until the next
// change.
absl::Status SetRef(const Store& store, const oci::Reference& reference,
                    const oci::Descriptor& descriptor);

// Takes the name away, durably. Blobs and layers stay. Errors: NotFound.
absl::Status RemoveRef(const Store& store, const oci::Reference& reference);

// All names, sorted. Damaged files are left out.
absl::StatusOr<std::vector<NamedImage>> ListRefs(const Store& store);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_REFS_H_
