// SPDX-License-Identifier: Apache-2.0
//
// A second tree for a layer that is in the store, to compare the layer with and, if that turns out
// damaged, to take its place:
//
//   ingest/check-HEX/  ingest/check-HEX.lock    HEX of the layer's key; fs/ and meta.json, as in
//                                               layers/HEX/
//
// It is swept like all of ingest/ (ingest.h). After an exchange the damaged tree is the one that
// lies there.

#ifndef STAVE_LIBS_STORE_LAYER_TWIN_H_
#define STAVE_LIBS_STORE_LAYER_TWIN_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"
#include "libs/oci/digest.h"
#include "libs/store/layers.h"
#include "libs/store/store.h"

namespace stave::store {

class [[nodiscard]] LayerTwin {
 public:
  // Makes an empty fs/ (0755). nullopt: another check has one of that layer now.
  static absl::StatusOr<std::optional<LayerTwin>> Begin(const Store& store, const oci::Digest& key);
  LayerTwin(LayerTwin&&) noexcept = default;
  LayerTwin& operator=(LayerTwin&&) = delete;
  ~LayerTwin();  // removes the tree

  int fs() const { return fs_.get(); }

  // Durably puts this tree and `meta` in the layer's place. FailedPrecondition [E_STATE] while the
  // layer is in use: mounted here, of a container that runs or is being made, or named by a pull.
  // Its files must not go away under them. Errors: NotFound if the layer is gone; those of
  // syncfs(2) and rename(2). On failure the layer is as it was.
  absl::Status Exchange(const LayerMeta& meta);

 private:
  LayerTwin(const Store& store, const oci::Digest& key) : store_(&store), key_(key) {}
  std::string Name() const { return "check-" + key_.hex(); }

  const Store* store_;  // borrowed
  oci::Digest key_;
  base::UniqueFd ingest_;
  base::UniqueFd lock_;
  base::UniqueFd folder_;
  base::UniqueFd fs_;
};

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_LAYER_TWIN_H_
