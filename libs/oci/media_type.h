// SPDX-License-Identifier: Apache-2.0
//
// What a blob is by its media type: OCI's names and Docker's.
//
// Sources: image-spec media-types.md; Docker's manifest-v2-2.

#ifndef STAVE_LIBS_OCI_MEDIA_TYPE_H_
#define STAVE_LIBS_OCI_MEDIA_TYPE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace stave::oci {

inline constexpr char kOciIndex[] = "application/vnd.oci.image.index.v1+json";
inline constexpr char kOciManifest[] = "application/vnd.oci.image.manifest.v1+json";
inline constexpr char kOciConfig[] = "application/vnd.oci.image.config.v1+json";
inline constexpr char kOciLayer[] = "application/vnd.oci.image.layer.v1.tar";
inline constexpr char kOciLayerGzip[] = "application/vnd.oci.image.layer.v1.tar+gzip";
inline constexpr char kOciLayerZstd[] = "application/vnd.oci.image.layer.v1.tar+zstd";
inline constexpr char kOciEmpty[] = "application/vnd.oci.empty.v1+json";
inline constexpr char kDockerIndex[] = "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr char kDockerManifest[] = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr char kDockerConfig[] = "application/vnd.docker.container.image.v1+json";
inline constexpr char kDockerLayer[] = "application/vnd.docker.image.rootfs.diff.tar";
inline constexpr char kDockerLayerGzip[] = "application/vnd.docker.image.rootfs.diff.tar.gzip";

enum class MediaKind {
  kIndex,
  kManifest,
  kSchema1,       // Docker's first manifest, signed or not: nobody makes it now
  kConfig,        // of an image
  kLayer,         // a tar, plain or compressed; which, its first bytes say
  kForeignLayer,  // to be had from somewhere else ("nondistributable", "foreign")
  kEncryptedLayer,
  kUnknown,
};

// The kind of `media_type`, whose parameters ("; charset=utf-8") and case do not matter.
MediaKind MediaKindOf(absl::string_view media_type);

// `media_type` in lower case without parameters and spaces.
std::string BareMediaType(absl::string_view media_type);

}  // namespace stave::oci

#endif  // STAVE_LIBS_OCI_MEDIA_TYPE_H_
