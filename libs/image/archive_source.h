// SPDX-License-Identifier: Apache-2.0
//
// An image in the tar that `docker save` (old and new), podman and skopeo write:
// `docker-archive:FILE[:NAME]`.
//
//   manifest.json   [{"Config":"<hex>.json","RepoTags":["web:1"],"Layers":["<hex>/layer.tar",..]}]
//
// One pass over the file makes a table of its members; later they are read where they lie. Nothing
// is extracted. Links within the archive are followed inside the table only. The config's bytes are
// the image's; a manifest is made for it, the same for the same archive, with plain layers named by
// their diffIDs. Source: interfaces of docker save; image-spec manifest.md.

#ifndef STAVE_LIBS_IMAGE_ARCHIVE_SOURCE_H_
#define STAVE_LIBS_IMAGE_ARCHIVE_SOURCE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/image/source.h"

namespace stave::image {

// `name` is one of RepoTags, as it stands there or as a reference means the same; "" takes the only
// image. Errors: NotFound if there is no file or no manifest.json; Unimplemented [E_UNSUPPORTED]
// for a compressed archive; InvalidArgument [E_TAR], [E_MANIFEST], [E_CONFIG], [E_JSON] for a
// broken one; NotFound [E_TAG] if `name` is not there, or there are several images and no name: the
// message lists the names.
absl::StatusOr<std::unique_ptr<Source>> OpenDockerArchive(const std::string& file,
                                                          absl::string_view name);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_ARCHIVE_SOURCE_H_
