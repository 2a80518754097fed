// SPDX-License-Identifier: Apache-2.0
//
// What of the store is needed: from who names something (origins) to every object that it leads to.
//
//   ref -> index -> the manifests that are here -> config, blobs of layers
//                                                  config -> keys of unpacked layers
//   container (its config.json) -> manifest as above, config, keys of layers
//   pull under way (lease.h), mount of this mount namespace -> objects themselves
//
// Reads only. What is missing below an index is fine (another platform, not pulled); what cannot be
// known is told as damage, so that nobody deletes for want of knowing.
//
//   auto origins = FindOrigins(store);        // under LockToCollect, if the answer is to last
//   const Marked needed = Mark(store, *origins);
//   needed.layers.contains(key)               // and no damage: else it may be needed all the same

#ifndef STAVE_LIBS_STORE_MARK_H_
#define STAVE_LIBS_STORE_MARK_H_

#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/oci/digest.h"
#include "libs/store/refs.h"
#include "libs/store/store.h"

namespace stave::store {

// The image of a container, as its config.json names it.
struct ContainerImage {
  std::string id;  // the container's
  oci::Digest manifest;
  oci::Digest config;
  std::vector<oci::Digest> layers;  // keys
};

// A file that should say what is needed and does not.
struct Damage {
  std::string path;  // absolute: of a reference, a container's config.json, a blob
  absl::Status why;  // DataLoss [E_CORRUPT]; its message says which file
};

struct Origins {
  std::vector<NamedImage> refs;
  std::vector<ContainerImage> containers;  // those with an image
  std::vector<oci::Digest> held;           // by leases and mounts: a blob or a key of a layer
  std::vector<oci::Digest> documents;      // manifests without a name; FindOrigins finds none
  std::vector<Damage> damage;
};

// All there are now. Errors: those of reading folders.
absl::StatusOr<Origins> FindOrigins(const Store& store);

// Names and containers, without what is held: for who only looks. Takes no lock. Errors: likewise.
absl::StatusOr<Origins> FindNamers(const Store& store);

struct Marked {
  std::unordered_set<oci::Digest> blobs;
  std::unordered_set<oci::Digest> layers;  // keys, whether they are here or not
  std::vector<oci::Digest> configs;        // of images that are here, each once, as they were met
  std::vector<Damage> damage;              // the origins', and documents missing or not as named
};

// Follows the origins. Documents are read whole and their digests verified.
Marked Mark(const Store& store, const Origins& origins);

// A layer of an overlay mount, FOLDER/HEX/fs, or one that is bound somewhere by itself.
struct MountedLayer {
  std::string folder;  // "/var/lib/stave/layers", as the kernel was given it; "" of a bound one
  oci::Digest key;
};

// Those in text of /proc/PID/mountinfo, of any store.
std::vector<MountedLayer> MountedLayers(absl::string_view mountinfo);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_MARK_H_
