// SPDX-License-Identifier: Apache-2.0
//
// The whole check of a store: is everything there that its names promise, and as it should be?
//
//   roots and folders -> refs/, index.json -> documents, blobs -> unpacked layers
//   -> what nothing needs -> containers, names -> leftovers
//
// It takes no long lock and stops nobody: a pull, a run or a removal that goes on meanwhile is not
// taken for damage. It never trusts what it reads, opens nothing but regular files and directories,
// and repairs only if it is told to.

#ifndef STAVE_LIBS_IMAGE_CHECK_H_
#define STAVE_LIBS_IMAGE_CHECK_H_

#include <vector>

#include "absl/status/status.h"
#include "libs/image/check_layers.h"
#include "libs/oci/reference.h"
#include "libs/store/finding.h"
#include "libs/store/store.h"

namespace stave::image {

struct CheckOptions {
  LayerCheckOptions how;
  // Only these images, and nothing that is no part of them; empty: the whole store.
  std::vector<oci::Reference> only;
};

// Tells `findings` of everything, and how much was looked at; of a root that does not exist a note.
// What one part cannot do is a failure among the findings and does not keep the others from being
// looked at. Errors: those of opening the roots: nothing was looked at then; NotFound for an image
// of `only` that is not here.
absl::Status CheckStore(const store::Roots& roots, const CheckOptions& options,
                        store::Findings* findings);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_CHECK_H_
