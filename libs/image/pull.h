// SPDX-License-Identifier: Apache-2.0
//
// From a source to a name in the store: the whole of a pull.
//
//   top document -> (index: the platform's) manifest -> config -> layers (layer_pull.h)
//   -> config, manifest and index as blobs -> the reference, last
//
// Nothing is named before its size and digest are verified, and the reference only when all it
// needs is durable. A pull that is killed leaves entries of ingest/ only, which the next one
// continues or removes. What it relies on is named first (store/lease.h), so that nobody collects
// what it has found; a name that is removed meanwhile is there again when it has ended.

#ifndef STAVE_LIBS_IMAGE_PULL_H_
#define STAVE_LIBS_IMAGE_PULL_H_

#include <string>

#include "absl/status/statusor.h"
#include "libs/image/layer_pull.h"
#include "libs/image/progress.h"
#include "libs/image/source.h"
#include "libs/oci/digest.h"
#include "libs/oci/platform.h"
#include "libs/oci/reference.h"
#include "libs/store/store.h"

namespace stave::image {

inline constexpr int kMaxIndexes = 3;  // one within the other

struct PullOptions {
  oci::Platform platform;          // normalised
  bool platform_is_asked = false;  // else it is this machine's, and a lone manifest may differ
  bool all_platforms = false;      // every image of an index, attestations left out
  LayerPullOptions layers;
};

struct Pulled {
  oci::Digest digest;  // of what the reference names: an index or a manifest
  bool newer = false;  // whether anything was missing, or the name meant something else
};

// Pulls what `source` has into `store` as `reference`. `progress` hears of it once it is known that
// there is something.
// Errors: those of the source, of oci::ChooseManifest ([E_PLATFORM]), oci::ParseImageConfig and
// PullLayers; InvalidArgument [E_MANIFEST] for indexes that are nested too deep; DataLoss
// [E_DIGEST] for a wrong config.
absl::StatusOr<Pulled> Pull(const store::Store& store, Source& source,
                            const oci::Reference& reference, const PullOptions& options,
                            Progress& progress);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_PULL_H_
