// SPDX-License-Identifier: Apache-2.0
//
// The content of images: files named by their digest in an OCI image layout, images/blobs/sha256/,
// immutable and kept byte for byte. They come in through ingest.h, verified, and are never read
// without the size that their descriptor promised.
//
// Source: image-spec image-layout.md.

#ifndef STAVE_LIBS_STORE_BLOBS_H_
#define STAVE_LIBS_STORE_BLOBS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"
#include "libs/oci/digest.h"
#include "libs/store/store.h"

namespace stave::store {

// Whether a blob of that digest and exactly that size is here.
bool HasBlob(const Store& store, const oci::Digest& digest, int64_t size);

// Opens a blob for reading.
// Errors: NotFound `sha256:..: no such blob`; DataLoss [E_CORRUPT] if its size is not `size`.
absl::StatusOr<base::UniqueFd> OpenBlob(const Store& store, const oci::Digest& digest,
                                        int64_t size);

// Reads a small blob (manifest, index, config) whole. `size` -1: unknown, any size up to `max`.
// Errors: as OpenBlob; DataLoss [E_CORRUPT] if it is not what its digest says; ResourceExhausted
// [E_LIMIT] above `max` bytes.
absl::StatusOr<std::string> ReadBlob(const Store& store, const oci::Digest& digest, int64_t size,
                                     size_t max);

// Removes a small blob whose content is not what its name says, so that it can come in anew. Fine
// if there is none. Errors: those of unlink(2).
absl::Status RemoveDamagedBlob(const Store& store, const oci::Digest& digest, int64_t size,
                               size_t max);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_BLOBS_H_
