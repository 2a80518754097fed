// SPDX-License-Identifier: Apache-2.0
//
// Gives an image that the store has another name: `docker tag`.

#ifndef STAVE_LIBS_IMAGE_TAG_H_
#define STAVE_LIBS_IMAGE_TAG_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/oci/reference.h"
#include "libs/store/store.h"

namespace stave::image {

// A name that may be given: one without a digest, and not "sha256:..", which looks like one.
// Errors: InvalidArgument [E_REFERENCE] in Docker's words.
absl::StatusOr<oci::Reference> ParseTarget(absl::string_view text);

// Makes `target` a name of what `source`, a name or the beginning of an id, means, durably; a name
// that means something else moves. A name that stands for several platforms' images gives all of
// them, an id that image alone. Under store::LockToPublish, so that nobody collects it meanwhile;
// `store` must be open for writing.
// Errors: those of FindStoredImage and SetRef: the old meaning stays.
absl::Status TagImage(const store::Store& store, absl::string_view source,
                      const oci::Reference& target);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_TAG_H_
