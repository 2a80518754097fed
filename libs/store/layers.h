// SPDX-License-Identifier: Apache-2.0
//
// Unpacked layers: layers/HEX/fs/ is the tree, layers/HEX/meta.json says what it is:
//
//   {"diffID":"sha256:..","chainID":"sha256:..","size":7340032,"entries":513,"rootNamed":true}
//
// HEX is of the layer's key: its diffID where the layer means the same on top of anything, else its
// chainID (then meta.json has the member). A folder here is complete and immutable: it comes
// by one rename from ingest/ (ingest.h).

#ifndef STAVE_LIBS_STORE_LAYERS_H_
#define STAVE_LIBS_STORE_LAYERS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"
#include "libs/oci/digest.h"
#include "libs/store/store.h"

namespace stave::store {

struct LayerMeta {
  oci::Digest diff_id;
  std::optional<oci::Digest> chain_id;  // set where it is the key
  int64_t size = 0;                     // bytes of the regular files
  int64_t entries = 0;                  // entries of the tar
  // Whether an entry gave the root directory its owner and mode; else fs/ has 0755 0:0, which says
  // nothing, and a layer below decides.
  bool root_named = true;
};

// The key under which the layer is here: `diff_id` before `chain_id`; nullopt if neither is. One or
// two fstatat(2).
std::optional<oci::Digest> FindLayer(const Store& store, const oci::Digest& diff_id,
                                     const oci::Digest& chain_id);

// Opens the tree of a layer. Errors: NotFound `sha256:..: no such layer`; DataLoss [E_CORRUPT]
// where its folder has no tree.
absl::StatusOr<base::UniqueFd> OpenLayer(const Store& store, const oci::Digest& key);

// The absolute path of the tree, for messages and for lowerdir= options. Does not look whether it
// is there.
std::string LayerPath(const Store& store, const oci::Digest& key);

// Errors: NotFound; DataLoss [E_CORRUPT].
absl::StatusOr<LayerMeta> ReadLayerMeta(const Store& store, const oci::Digest& key);

// A look at one directory, for who is about to use a layer. Errors: DataLoss [E_CORRUPT] if it
// should have files and has none any more; those of reading the directory. A layer that is not here
// is none.
absl::Status CheckHasFiles(const Store& store, const oci::Digest& key);

// The text of meta.json.
std::string FormatLayerMeta(const LayerMeta& meta);

// The keys of all layers, sorted.
absl::StatusOr<std::vector<oci::Digest>> ListLayers(const Store& store);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_LAYERS_H_
