// SPDX-License-Identifier: Apache-2.0
//
// The document of an image: what image-fetch prints.

#ifndef STAVE_LIBS_STORE_IMAGE_DOCUMENT_H_
#define STAVE_LIBS_STORE_IMAGE_DOCUMENT_H_

#include "absl/status/statusor.h"
#include "libs/json/value.h"
#include "libs/store/resolve.h"
#include "libs/store/store.h"

namespace stave::store {

// A whole config with stave's defaults and the image's words: its command, environment, working
// directory and user (looked up in its own files), its labels as stave.labels, and stave.image.
// process.args is absent where the image names no command.
// Errors: those of ResolveImageUser.
absl::StatusOr<json::Value> MakeImageDocument(const Store& store, const ResolvedImage& image);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_IMAGE_DOCUMENT_H_
