// SPDX-License-Identifier: Apache-2.0
#include "libs/image/source.h"

#include <utility>
#include <variant>

#include "libs/base/status_macros.h"

namespace stave::image {

const std::string& Document::media_type() const {
  const auto* index = std::get_if<oci::Index>(&parsed);
  return index != nullptr ? index->media_type : std::get<oci::Manifest>(parsed).media_type;
}

absl::StatusOr<Document> MakeDocument(std::string bytes, absl::string_view content_type) {
  STAVE_ASSIGN_OR_RETURN(oci::ManifestOrIndex parsed,
                         oci::ParseManifestOrIndex(bytes, content_type));
  const oci::Digest digest = oci::DigestOf(bytes);
  return Document{std::move(bytes), digest, std::move(parsed)};
}

absl::StatusOr<std::optional<oci::Descriptor>> Source::FindTop() { return std::nullopt; }
bool Source::Reject(const oci::Digest&) { return false; }
void Source::Cancel() {}

}  // namespace stave::image
