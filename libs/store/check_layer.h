// SPDX-License-Identifier: Apache-2.0
//
// The part of a check that looks at one layer's folder without reading its files: fs/ and meta.json
// are there, agree with the images, and nothing else is. Comparing the files needs the unpacker:
// libs/image/check_layers.h.

#ifndef STAVE_LIBS_STORE_CHECK_LAYER_H_
#define STAVE_LIBS_STORE_CHECK_LAYER_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/oci/digest.h"
#include "libs/store/check_roots.h"
#include "libs/store/finding.h"
#include "libs/store/store.h"

namespace stave::store {

// What is wrong with layers/KEY; empty if nothing, or if it is not there. `diff_id`: what the
// images say that it is. Errors: those of reading the folder.
absl::StatusOr<std::vector<Finding>> CheckLayerFolder(const Store& store, const oci::Digest& key,
                                                      const std::optional<oci::Digest>& diff_id);

// Tells of what lies in layers/ and is no layer. kYes: removes it. Errors: those of reading the
// folder.
absl::Status CheckLayersFolder(const Store& store, Mend mend, Findings* findings);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_CHECK_LAYER_H_
