// SPDX-License-Identifier: Apache-2.0
//
// All layers of an image into the store: fetched and unpacked side by side, settled in order, named
// when they are durable.
//
// Several processes may pull images that share layers. Who comes second waits for the first. The
// locks are taken base first by one thread at a time, and whoever has to wait first names what it
// has finished; so nobody waits for somebody who waits for him.

#ifndef STAVE_LIBS_IMAGE_LAYER_PULL_H_
#define STAVE_LIBS_IMAGE_LAYER_PULL_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "libs/image/progress.h"
#include "libs/image/settle.h"
#include "libs/image/source.h"
#include "libs/oci/image_config.h"
#include "libs/oci/manifest.h"
#include "libs/store/store.h"

namespace stave::image {

struct LayerPullOptions {
  std::string unpacker;  // path of stave-unpack
  OverlayAttributes attributes = OverlayAttributes::kTrusted;
  int parallel = 3;  // layers at once
};

// First says to `progress` which are missing ("Pulling fs layer") and which are not ("Already
// exists"), base first; of layers of which none is missing it says nothing. Brings every layer of
// `manifest` into the store, blob and tree; what is there stays and is not fetched. `config` must
// have passed CheckSameLayers. Sets *fetched to whether anything was missing. Errors: the first of
// FetchLayer, Settle and the commits. Layers that were finished before may have been named; the
// others leave partial blobs only, and after [E_NO_SPACE] nothing.
absl::Status PullLayers(const store::Store& store, Source& source, const oci::Manifest& manifest,
                        const oci::ImageConfig& config, const LayerPullOptions& options,
                        Progress& progress, bool* fetched);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_LAYER_PULL_H_
