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
// A reference with both a tag and a digest is filed under its digest. A name that somebody has
// given here (image-tag) has the annotation kTaggedHereAnnotation: no registry knows the digest by
// it.

#ifndef STAVE_LIBS_STORE_REFS_H_
#define STAVE_LIBS_STORE_REFS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"
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

// Sees to it that the reference, as it is now, survives a power cut: whoever has just set it may
// not have come so far. Where it was set longer ago than a few seconds that costs one stat(2). It
// is fine if there is none. Errors: those of fsync(2).
absl::Status EnsureDurable(const Store& store, const oci::Reference& reference);

// Takes the name away, durably. Blobs and layers stay. On a full disk, too, for who wants room:
// index.json may then be ahead until the next change. Errors: NotFound.
absl::Status RemoveRef(const Store& store, const oci::Reference& reference);

// All names, sorted. Damaged files are left out.
absl::StatusOr<std::vector<NamedImage>> ListRefs(const Store& store);

// What else lies under refs/: a damaged file, or one that is filed under no reference.
struct DamagedRef {
  std::string path;  // below the state root: "refs/quay.io/a/b/:1"
  absl::Status why;  // DataLoss [E_CORRUPT], with the path or the reference in its message
};
struct RefScan {
  std::vector<NamedImage> refs;  // sorted
  std::vector<DamagedRef> damaged;
};
// Everything; for who must not overlook a name. Errors: those of open(2) and readdir(3).
absl::StatusOr<RefScan> ScanRefs(const Store& store);

// The path of a reference's file, below the state root.
std::string RefPath(const oci::Reference& reference);

// Makes images/index.json anew from refs/: who was killed in SetRef or RemoveRef may have left it
// ahead of them.
absl::Status RemakeIndex(const Store& store);

// The text that images/index.json should have. While somebody changes a name it may have that of
// after the change already: who compares holds LockRefs(), for moments.
absl::StatusOr<std::string> IndexText(const Store& store);
absl::StatusOr<base::UniqueFd> LockRefs(const Store& store);

inline constexpr char kTaggedHereAnnotation[] = "stave.tagged-here";
bool IsTaggedHere(const oci::Descriptor& descriptor);

// The annotation by which index.json says what an entry is called.
inline constexpr char kRefNameAnnotation[] = "org.opencontainers.image.ref.name";

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_REFS_H_
