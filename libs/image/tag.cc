// SPDX-License-Identifier: Apache-2.0
#include "libs/image/tag.h"

#include <algorithm>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/image/stored_image.h"
#include "libs/oci/descriptor.h"
#include "libs/oci/manifest.h"
#include "libs/store/blobs.h"
#include "libs/store/lease.h"
#include "libs/store/refs.h"

namespace stave::image {
namespace {

constexpr int kMaxDepth = oci::kMaxIndexDepth;

absl::Status Refused(absl::string_view why) {
  return base::Error(absl::StatusCode::kInvalidArgument, "E_REFERENCE", why);
}

// The manifest of the image `id`, if `document` is one or leads to one that is here.
std::optional<oci::Descriptor> FindManifest(const store::Store& store, const oci::Digest& document,
                                            const oci::Digest& id, int depth) {
  const auto bytes = store::ReadBlob(store, document, -1, oci::kMaxManifestSize);
  if (!bytes.ok() || depth > kMaxDepth) return std::nullopt;
  const auto parsed = oci::ParseManifestOrIndex(*bytes, "");
  if (!parsed.ok()) return std::nullopt;
  if (const auto* manifest = std::get_if<oci::Manifest>(&*parsed)) {
    if (manifest->config.digest != id) return std::nullopt;
    const auto size = static_cast<int64_t>(bytes->size());
    return oci::Descriptor{manifest->media_type, document, size, {}, {}, {}};
  }
  for (const oci::Descriptor& entry : std::get<oci::Index>(*parsed).manifests) {
    if (auto found = FindManifest(store, entry.digest, id, depth + 1)) return found;
  }
  return std::nullopt;
}

// What the new name is to stand for.
absl::StatusOr<oci::Descriptor> Meaning(const store::Store& store, absl::string_view source,
                                        const StoredImage& image) {
  const auto reference = oci::Reference::Parse(source);
  for (const store::NamedImage& name : image.names) {
    if (!reference.ok()) break;
    const bool is_it = store::RefPath(name.reference) == store::RefPath(*reference);
    if (is_it || reference->digest() == name.descriptor.digest) return name.descriptor;
  }
  std::vector<oci::Digest> documents = image.manifests;
  for (const store::NamedImage& name : image.names) documents.push_back(name.descriptor.digest);
  for (const oci::Digest& document : documents) {
    if (auto found = FindManifest(store, document, image.id, 0)) return *std::move(found);
  }
  return base::Error(absl::StatusCode::kNotFound, "E_NOT_FOUND",
                     absl::StrCat("No such image: ", base::Printable(source)));
}

// Whether the image came by a name of that repository: then the digest is known there.
bool CameFrom(const StoredImage& image, const oci::Reference& target, const oci::Digest& digest) {
  return std::any_of(image.names.begin(), image.names.end(), [&](const store::NamedImage& name) {
    return name.reference.domain() == target.domain() && name.reference.path() == target.path() &&
           name.descriptor.digest == digest && !store::IsTaggedHere(name.descriptor);
  });
}

}  // namespace

absl::StatusOr<oci::Reference> ParseTarget(absl::string_view text) {
  auto target = oci::Reference::Parse(text);
  if (!target.ok()) {
    return base::WithHint(
        Refused(absl::StrCat("Error parsing reference: ", base::Quoted(text),
                             " is not a valid repository/tag: ", target.status().message())),
        base::ErrorHint(target.status()));
  }
  if (target->digest().has_value()) {
    return Refused("refusing to create a tag with a digest reference");
  }
  if (target->FamiliarName() == "sha256") {
    return Refused("refusing to create an ambiguous tag using digest algorithm as name");
  }
  return target;
}

absl::Status TagImage(const store::Store& store, absl::string_view source,
                      const oci::Reference& target) {
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd lock, store::LockToPublish(store));
  STAVE_ASSIGN_OR_RETURN(const StoredImage image, FindStoredImage(store, source));
  STAVE_ASSIGN_OR_RETURN(oci::Descriptor descriptor, Meaning(store, source, image));
  descriptor.annotations.clear();
  if (!CameFrom(image, target, descriptor.digest)) {
    descriptor.annotations = {{store::kTaggedHereAnnotation, "true"}};
  }
  return store::SetRef(store, target, descriptor);
}

}  // namespace stave::image
