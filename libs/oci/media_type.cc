// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/media_type.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace stave::oci {
namespace {

constexpr char kForeignDocker[] = "application/vnd.docker.image.rootfs.foreign.diff.tar";
constexpr char kForeignOci[] = "application/vnd.oci.image.layer.nondistributable.v1.tar";
constexpr char kSchema1Prefix[] = "application/vnd.docker.distribution.manifest.v1+";

struct Known {
  const char* name;
  MediaKind kind;
};

constexpr Known kKnown[] = {
    {kOciIndex, MediaKind::kIndex},
    {kDockerIndex, MediaKind::kIndex},
    {kOciManifest, MediaKind::kManifest},
    {kDockerManifest, MediaKind::kManifest},
    {kOciConfig, MediaKind::kConfig},
    {kDockerConfig, MediaKind::kConfig},
    {kOciLayer, MediaKind::kLayer},
    {kOciLayerGzip, MediaKind::kLayer},
    {kOciLayerZstd, MediaKind::kLayer},
    {kDockerLayer, MediaKind::kLayer},
    {kDockerLayerGzip, MediaKind::kLayer},
    {"application/vnd.docker.image.rootfs.diff.tar.zstd", MediaKind::kLayer},
};

}  // namespace

std::string BareMediaType(absl::string_view media_type) {
  const absl::string_view bare = media_type.substr(0, media_type.find(';'));
  return absl::AsciiStrToLower(absl::StripAsciiWhitespace(bare));
}

MediaKind MediaKindOf(absl::string_view media_type) {
  const std::string bare = BareMediaType(media_type);
  for (const Known& known : kKnown) {
    if (bare == known.name) return known.kind;
  }
  if (absl::StartsWith(bare, kSchema1Prefix)) return MediaKind::kSchema1;
  if (absl::EndsWith(bare, "+encrypted")) return MediaKind::kEncryptedLayer;
  if (absl::StartsWith(bare, kForeignDocker) || absl::StartsWith(bare, kForeignOci)) {
    return MediaKind::kForeignLayer;
  }
  return MediaKind::kUnknown;
}

}  // namespace stave::oci
