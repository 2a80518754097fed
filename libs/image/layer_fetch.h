// SPDX-License-Identifier: Apache-2.0
//
// One layer, from its source into ingest/: the bytes go through SHA-256 into a partial blob and, as
// they come, through the confined unpacker into a tree.
//
//   source -> sha256 -> ingest/sha256-HEX
//                    -> stave-unpack -> ingest/layer-HEX/fs
//
// Nothing gets its name here (libs/store/ingest.h Commit): that is for who knows the layers below.

#ifndef STAVE_LIBS_IMAGE_LAYER_FETCH_H_
#define STAVE_LIBS_IMAGE_LAYER_FETCH_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "libs/image/progress.h"
#include "libs/image/source.h"
#include "libs/image/unpack_report.h"
#include "libs/oci/descriptor.h"
#include "libs/oci/digest.h"
#include "libs/store/ingest.h"
#include "libs/store/store.h"

namespace stave::image {

struct LayerName {
  oci::Descriptor blob;
  oci::Digest diff_id;
  oci::Digest chain_id;
};

// What of a layer is on its way; an absent member is in the store already.
struct LayerInFlight {
  std::optional<store::BlobIngest> blob;
  std::optional<store::LayerIngest> tree;
  std::optional<UnpackReport> report;  // once the tree is unpacked
};

struct FetchContext {
  const store::Store& store;
  Source& source;
  Progress& progress;
  std::string unpacker;                  // path of stave-unpack
  std::function<bool()> cancelled;       // asked often, by any thread
  std::function<void(int64_t)> arrived;  // told of bytes, as they come, by any thread
};

// Fetches and unpacks what `layer`, begun by the caller, holds. A partial blob is continued; if the
// whole then is wrong it is fetched anew, once.
// Errors: DataLoss [E_DIGEST] for wrong bytes or a tree that is not the config's diffID (the
// partial blob is removed); Cancelled; those of the source, the unpacker and the disk.
absl::Status FetchLayer(const FetchContext& context, const LayerName& name, LayerInFlight* layer);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_LAYER_FETCH_H_
