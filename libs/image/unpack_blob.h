// SPDX-License-Identifier: Apache-2.0
//
// A layer that is in the store as a blob, unpacked and settled into a directory of the caller's.

#ifndef STAVE_LIBS_IMAGE_UNPACK_BLOB_H_
#define STAVE_LIBS_IMAGE_UNPACK_BLOB_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/image/settle.h"
#include "libs/image/unpack_report.h"
#include "libs/oci/digest.h"
#include "libs/store/layers.h"
#include "libs/store/needed.h"
#include "libs/store/store.h"

namespace stave::image {

struct UnpackedBlob {
  UnpackReport report;
  store::LayerMeta meta;
  oci::Digest key;  // under which the layer belongs
};

// Fills the empty directory `fs` with what `layer`'s blob makes, on top of the trees `lowers`, keys
// of layers, base first. `unpacker` is the path of stave-unpack. Errors: DataLoss [E_DIGEST] if the
// blob is not what its name says, or not of that diffID; NotFound for a blob or a lower layer that
// is not here; those of the unpacker, of Settle() and of the disk.
absl::StatusOr<UnpackedBlob> UnpackBlob(const store::Store& store, const store::NeededLayer& layer,
                                        const std::vector<oci::Digest>& lowers,
                                        const std::string& unpacker, OverlayAttributes attributes,
                                        int fs);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_UNPACK_BLOB_H_
