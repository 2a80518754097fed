// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-lister/images.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/id.h"
#include "libs/oci/digest.h"
#include "libs/oci/image_config.h"
#include "libs/oci/platform.h"
#include "libs/oci/reference.h"
#include "libs/store/blobs.h"
#include "libs/store/images.h"
#include "libs/store/layers.h"
#include "libs/store/mark.h"
#include "libs/store/refs.h"

namespace stave::tools {
namespace {

std::set<std::string> LookUp(const store::Store& store, const std::string& text) {
  std::set<std::string> ids;
  const auto reference = oci::Reference::Parse(text);
  if (!reference.ok()) return ids;
  const auto descriptor = store::GetRef(store, *reference);
  if (!descriptor.ok()) return ids;
  for (const oci::Digest& id : store::MarkNames(store, {{*reference, *descriptor}}, {}).configs) {
    ids.insert(id.ToString());
  }
  return ids;
}

Images::About Describe(const store::Store& store, const std::string& id) {
  Images::About about;
  const auto digest = oci::Digest::Parse(id);
  if (!digest.ok()) return about;
  const auto bytes = store::ReadBlob(store, *digest, -1, oci::kMaxImageConfigSize);
  if (!bytes.ok()) return about;
  const auto config = oci::ParseImageConfig(*bytes);
  if (!config.ok()) return about;
  about.platform = oci::PlatformName(config->platform);
  const std::vector<oci::Digest> chain_ids = oci::ChainIds(config->diff_ids);
  for (size_t i = 0; i < chain_ids.size(); ++i) {
    const auto key = store::FindLayer(store, config->diff_ids[i], chain_ids[i]);
    if (!key.has_value()) continue;
    const auto meta = store::ReadLayerMeta(store, *key);
    if (meta.ok()) about.bytes += meta->size;
  }
  return about;
}

bool MeansId(absl::string_view asked, absl::string_view id) {
  absl::ConsumePrefix(&asked, "sha256:");
  absl::ConsumePrefix(&id, "sha256:");
  return !asked.empty() && asked.find_first_not_of("0123456789abcdef") == asked.npos &&
         absl::StartsWith(id, asked);
}

std::string ShortId(absl::string_view id) {
  absl::ConsumePrefix(&id, "sha256:");
  return std::string(id.substr(0, base::kShortIdLength));
}

}  // namespace

const std::set<std::string>& Images::Meant(const std::string& reference) {
  const auto found = meant_.find(reference);
  if (found != meant_.end()) return found->second;
  return meant_[reference] = LookUp(store_, reference);
}

std::string Images::Shown(const store::Record& record, Width width) {
  if (record.image_digest.empty()) return record.image;  // --rootfs
  const std::string asked = record.image_asked.empty()
                                ? std::string(absl::StripSuffix(record.image, ":latest"))
                                : record.image_asked;
  const bool whole = width == Width::kWhole;
  if (MeansId(asked, record.image_id)) return whole ? asked : ShortId(record.image_id);
  const bool moved = !record.image_id.empty() && !Meant(record.image).contains(record.image_id);
  if (moved) return whole ? record.image_id : ShortId(record.image_id);
  if (whole && !record.image_asked.empty()) return asked;
  std::string& familiar = familiar_[asked];
  if (familiar.empty()) familiar = FamiliarName(asked);
  return familiar;
}

const Images::About& Images::Of(const std::string& id) {
  const auto found = about_.find(id);
  if (found != about_.end()) return found->second;
  return about_[id] = Describe(store_, id);
}

std::string FamiliarName(absl::string_view asked) {
  const auto reference = oci::Reference::Parse(asked);
  if (!reference.ok()) return std::string(asked);
  const absl::string_view name = asked.substr(0, asked.find('@'));
  const size_t slash = name.rfind('/');
  const bool tagged = name.find(':', slash == name.npos ? 0 : slash) != name.npos;
  return tagged ? absl::StrCat(reference->FamiliarName(), ":", reference->tag())
                : reference->FamiliarName();
}

}  // namespace stave::tools
