// SPDX-License-Identifier: Apache-2.0
//
// The part of a check that looks at unpacked layers: each that an image needs is here, its folder
// is whole (libs/store/check_layer.h), and its files are what its blob makes. For that the blob is
// unpacked afresh by the confined helper, settled, and compared entry by entry; then it is thrown
// away, or takes the place of the damaged one.

#ifndef STAVE_LIBS_IMAGE_CHECK_LAYERS_H_
#define STAVE_LIBS_IMAGE_CHECK_LAYERS_H_

#include <set>
#include <string>

#include "libs/image/settle.h"
#include "libs/oci/digest.h"
#include "libs/store/check_blobs.h"
#include "libs/store/check_roots.h"
#include "libs/store/finding.h"
#include "libs/store/needed.h"
#include "libs/store/store.h"

namespace stave::image {

struct LayerCheckOptions {
  store::Depth depth = store::Depth::kWhole;  // kQuick compares no files
  store::Mend mend = store::Mend::kNo;
  std::string unpacker;  // path of stave-unpack
  OverlayAttributes attributes = OverlayAttributes::kTrusted;
};

// Tells of every layer of `needed` that is missing or damaged; two are looked at at once. Blobs in
// `bad` are not relied on: layers whose blob is one are not compared, and a note says so. kYes:
// missing layers are unpacked, damaged ones exchanged, both durably; what is in use stays as it is.
// Needs what pulling needs: root, and room for two layers.
void CheckLayers(const store::Store& store, const store::Needed& needed,
                 const std::set<oci::Digest>& bad, const LayerCheckOptions& options,
                 store::Findings* findings);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_CHECK_LAYERS_H_
