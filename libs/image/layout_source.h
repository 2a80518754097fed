// SPDX-License-Identifier: Apache-2.0
//
// An image in an OCI image layout on disk: `oci:DIR[:TAG]`.
//
//   DIR/oci-layout            {"imageLayoutVersion":"1.0.0"}
//   DIR/index.json            an index; the tag is the annotation org.opencontainers.image.ref.name
//   DIR/blobs/sha256/HEX
//
// The layout may be a stranger's: files below DIR are opened by descriptor, through no symlink, and
// only regular files are read. Source: image-spec image-layout.md.

#ifndef STAVE_LIBS_IMAGE_LAYOUT_SOURCE_H_
#define STAVE_LIBS_IMAGE_LAYOUT_SOURCE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/image/source.h"

namespace stave::image {

// `tag` "" takes the only image. Errors: NotFound if there is no directory; InvalidArgument
// [E_LAYOUT] for what is no layout, an unknown version, a symlink or what is no file within it;
// those of oci::ParseManifestOrIndex. GetTop(): NotFound [E_TAG] if the tag is not there, or
// several images are and no tag was given: the message lists the tags.
absl::StatusOr<std::unique_ptr<Source>> OpenLayout(const std::string& dir, absl::string_view tag);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_LAYOUT_SOURCE_H_
