// SPDX-License-Identifier: Apache-2.0
#include "libs/store/images.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/oci/image_config.h"
#include "libs/oci/manifest.h"
#include "libs/store/blobs.h"
#include "libs/store/folder.h"

namespace stave::store {
namespace {

Image& ImageOf(const oci::Digest& id, std::vector<Image>* images) {
  const auto found = std::find_if(images->begin(), images->end(),
                                  [&](const Image& image) { return image.id == id; });
  if (found != images->end()) return *found;
  images->push_back({id, {}, {}});
  return images->back();
}

// The config that the blob names, if it is a manifest.
std::optional<oci::Digest> ConfigOf(const Store& store, const oci::Digest& blob) {
  const auto bytes = ReadBlob(store, blob, -1, oci::kMaxManifestSize);
  if (!bytes.ok() || !absl::StartsWith(*bytes, "{")) return std::nullopt;
  const auto parsed = oci::ParseManifestOrIndex(*bytes, "");
  if (!parsed.ok() || !std::holds_alternative<oci::Manifest>(*parsed)) return std::nullopt;
  return std::get<oci::Manifest>(*parsed).config.digest;
}

bool IsSmall(const Store& store, const std::string& blob) {
  struct stat st;
  return ::fstatat(store.state(), absl::StrCat("images/blobs/sha256/", blob).c_str(), &st,
                   AT_SYMLINK_NOFOLLOW) == 0 &&
         st.st_size <= static_cast<off_t>(oci::kMaxManifestSize);
}

bool IsHex(absl::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdef") == text.npos;
}

}  // namespace

std::vector<Image> NamedImages(const Store& store, const Origins& origins) {
  std::vector<Image> images;
  for (const NamedImage& ref : origins.refs) {
    for (const oci::Digest& id : MarkNames(store, {ref}, {}).configs) {
      ImageOf(id, &images).names.push_back(ref);
    }
  }
  return images;
}

absl::StatusOr<std::vector<Image>> UnnamedImages(const Store& store, const Origins& origins) {
  const Marked named = MarkNames(store, origins.refs, {});
  STAVE_ASSIGN_OR_RETURN(std::vector<std::string> blobs,
                         ListFolder(store.state(), "images/blobs/sha256"));
  std::sort(blobs.begin(), blobs.end());
  std::vector<Image> images;
  for (const std::string& name : blobs) {
    const auto digest = oci::Digest::Parse("sha256:" + name);
    if (!digest.ok() || named.blobs.count(*digest) != 0 || !IsSmall(store, name)) continue;
    if (const auto id = ConfigOf(store, *digest))
      ImageOf(*id, &images).manifests.push_back(*digest);
  }
  return images;
}

absl::StatusOr<Image> FindImageById(const Store& store, const Origins& origins,
                                    absl::string_view text) {
  absl::string_view prefix = text;
  absl::ConsumePrefix(&prefix, "sha256:");
  const absl::Status none = base::Error(absl::StatusCode::kNotFound, "E_NOT_FOUND",
                                        absl::StrCat("No such image: ", base::Printable(text)));
  if (!IsHex(prefix)) return none;
  std::vector<Image> images = NamedImages(store, origins);
  STAVE_ASSIGN_OR_RETURN(const std::vector<Image> unnamed, UnnamedImages(store, origins));
  for (const Image& image : unnamed) ImageOf(image.id, &images).manifests = image.manifests;
  const Image* found = nullptr;
  for (const Image& image : images) {
    if (!absl::StartsWith(image.id.hex(), prefix)) continue;
    if (found != nullptr) {
      return base::Error(
          absl::StatusCode::kInvalidArgument, "E_AMBIGUOUS",
          absl::StrCat("Multiple IDs found with provided prefix: ", base::Printable(text)));
    }
    found = &image;
  }
  if (found == nullptr) return none;
  return *found;
}

std::vector<ContainerImage> ContainersOf(const Origins& origins,
                                         const std::vector<oci::Digest>& ids) {
  std::vector<ContainerImage> found;
  for (const ContainerImage& container : origins.containers) {
    if (std::find(ids.begin(), ids.end(), container.config) != ids.end()) {
      found.push_back(container);
    }
  }
  return found;
}

Marked MarkNames(const Store& store, const std::vector<NamedImage>& names,
                 const std::vector<oci::Digest>& manifests) {
  Origins origins;
  origins.refs = names;
  origins.documents = manifests;
  return Mark(store, origins);
}

std::vector<oci::Digest> LayerKeys(const Store& store, const oci::Digest& id) {
  const auto bytes = ReadBlob(store, id, -1, oci::kMaxImageConfigSize);
  if (!bytes.ok()) return {};
  const auto config = oci::ParseImageConfig(*bytes);
  if (!config.ok()) return {};
  const std::vector<oci::Digest> chain_ids = oci::ChainIds(config->diff_ids);
  std::vector<oci::Digest> keys;
  for (size_t i = 0; i < chain_ids.size(); ++i) {
    keys.push_back(config->diff_ids[i]);
    if (i > 0) keys.push_back(chain_ids[i]);
  }
  return keys;
}

}  // namespace stave::store
