// SPDX-License-Identifier: Apache-2.0
#include "libs/store/resolve.h"

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/oci/descriptor.h"
#include "libs/store/blobs.h"
#include "libs/store/layers.h"
#include "libs/store/refs.h"

namespace stave::store {
namespace {

struct FoundManifest {
  oci::Digest digest;
  oci::Manifest manifest;
};

// Follows indexes down to the manifest for `platform`.
absl::StatusOr<FoundManifest> FindManifest(const Store& store, oci::Descriptor descriptor,
                                           const oci::Platform& platform) {
  for (int depth = 0; depth <= oci::kMaxIndexDepth; ++depth) {
    STAVE_ASSIGN_OR_RETURN(
        const std::string bytes,
        ReadBlob(store, descriptor.digest, descriptor.size, oci::kMaxManifestSize));
    auto parsed = oci::ParseManifestOrIndex(bytes, descriptor.media_type);
    if (!parsed.ok()) {
      return base::WithContext(parsed.status(), descriptor.digest.ToString());
    }
    if (auto* manifest = std::get_if<oci::Manifest>(&*parsed)) {
      return FoundManifest{descriptor.digest, std::move(*manifest)};
    }
    STAVE_ASSIGN_OR_RETURN(descriptor,
                           oci::ChooseManifest(std::get<oci::Index>(*parsed), platform));
  }
  return base::Error(absl::StatusCode::kInvalidArgument, "E_MANIFEST",
                     absl::StrCat("more than ", oci::kMaxIndexDepth, " indexes within indexes"));
}

absl::StatusOr<std::vector<oci::Digest>> FindLayers(const Store& store,
                                                    const std::vector<oci::Digest>& diff_ids) {
  const std::vector<oci::Digest> chain_ids = oci::ChainIds(diff_ids);
  std::vector<oci::Digest> keys;
  keys.reserve(diff_ids.size());
  for (size_t i = 0; i < diff_ids.size(); ++i) {
    std::optional<oci::Digest> key = FindLayer(store, diff_ids[i], chain_ids[i]);
    if (!key.has_value()) {
      return absl::NotFoundError(
          absl::StrCat("layer ", diff_ids[i].ToString(), ": is not unpacked here"));
    }
    keys.push_back(*std::move(key));
  }
  return keys;
}

absl::StatusOr<ResolvedImage> Resolve(const Store& store, const oci::Reference& reference,
                                      const oci::Platform& platform) {
  STAVE_ASSIGN_OR_RETURN(oci::Descriptor named, GetRef(store, reference));
  STAVE_ASSIGN_OR_RETURN(FoundManifest found, FindManifest(store, std::move(named), platform));
  const oci::Descriptor& about = found.manifest.config;
  STAVE_ASSIGN_OR_RETURN(const std::string bytes,
                         ReadBlob(store, about.digest, about.size, oci::kMaxImageConfigSize));
  auto config = oci::ParseImageConfig(bytes);
  if (!config.ok()) return base::WithContext(config.status(), about.digest.ToString());
  STAVE_RETURN_IF_ERROR(oci::CheckSameLayers(found.manifest, *config));
  STAVE_ASSIGN_OR_RETURN(std::vector<oci::Digest> layers, FindLayers(store, config->diff_ids));
  return ResolvedImage{reference, std::move(found.digest), std::move(found.manifest),
                       *std::move(config), std::move(layers)};
}

}  // namespace

absl::StatusOr<ResolvedImage> ResolveImage(const Store& store, const oci::Reference& reference,
                                           const oci::Platform& platform) {
  auto resolved = Resolve(store, reference, platform);
  if (resolved.ok()) return resolved;
  const std::string name = reference.String();
  if (absl::IsDataLoss(resolved.status())) {
    resolved =
        base::WithHint(resolved.status(), absl::StrCat("image-fetch --policy always ", name));
  }
  // Some messages name it already.
  if (absl::string_view(resolved.status().message()).find(name) != absl::string_view::npos) {
    return resolved.status();
  }
  return base::WithContext(resolved.status(), name);
}

}  // namespace stave::store
