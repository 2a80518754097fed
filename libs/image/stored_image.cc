// SPDX-License-Identifier: Apache-2.0
#include "libs/image/stored_image.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/json/parse.h"
#include "libs/oci/platform.h"
#include "libs/oci/reference.h"
#include "libs/store/blobs.h"
#include "libs/store/images.h"
#include "libs/store/layers.h"
#include "libs/store/mark.h"

namespace stave::image {
namespace {

// Sizes of layers, which images share.
using Sizes = std::map<oci::Digest, int64_t>;

int64_t SizeOf(const store::Store& store, const oci::Digest& key, Sizes* sizes) {
  const auto [found, is_new] = sizes->insert({key, 0});
  if (is_new) {
    const auto meta = store::ReadLayerMeta(store, key);
    if (meta.ok()) found->second = meta->size;
  }
  return found->second;
}

void ReadLayers(const store::Store& store, StoredImage* image, Sizes* sizes) {
  const std::vector<oci::Digest>& diff_ids = image->config->diff_ids;
  const std::vector<oci::Digest> chain_ids = oci::ChainIds(diff_ids);
  for (size_t i = 0; i < diff_ids.size(); ++i) {
    StoredLayer layer{diff_ids[i], store::FindLayer(store, diff_ids[i], chain_ids[i]), 0};
    if (layer.key.has_value()) layer.size = SizeOf(store, *layer.key, sizes);
    image->size += layer.size;
    image->layers.push_back(std::move(layer));
  }
}

void ReadConfig(const store::Store& store, StoredImage* image, Sizes* sizes) {
  const auto bytes = store::ReadBlob(store, image->id, -1, oci::kMaxImageConfigSize);
  if (!bytes.ok()) return;
  auto document = json::Parse(*bytes);
  auto config = oci::ParseImageConfig(*bytes);
  if (!document.ok() || !config.ok()) return;
  image->document = *std::move(document);
  image->config = *std::move(config);
  absl::Time created;
  std::string why;
  if (absl::ParseTime(absl::RFC3339_full, image->config->created, &created, &why)) {
    image->created = created;
  }
  ReadLayers(store, image, sizes);
}

std::optional<absl::Time> NamedAt(const store::Store& store,
                                  const std::vector<store::NamedImage>& names) {
  std::optional<absl::Time> last;
  for (const store::NamedImage& name : names) {
    struct stat st;
    const std::string path = store::RefPath(name.reference);
    if (::fstatat(store.state(), path.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) continue;
    const absl::Time set = absl::TimeFromTimespec(st.st_mtim);
    if (!last.has_value() || *last < set) last = set;
  }
  return last;
}

std::string SortKey(const StoredImage& image) {
  return image.names.empty() ? "~" + image.id.hex() : image.names[0].reference.String();
}

bool IsBefore(const StoredImage& a, const StoredImage& b) {
  const absl::Time one = a.created.value_or(absl::InfinitePast());
  const absl::Time other = b.created.value_or(absl::InfinitePast());
  return one != other ? one > other : SortKey(a) < SortKey(b);
}

absl::StatusOr<std::vector<store::Image>> FindImages(const store::Store& store,
                                                     const store::Origins& origins, bool unnamed) {
  std::vector<store::Image> images = store::NamedImages(store, origins);
  if (!unnamed) return images;
  STAVE_ASSIGN_OR_RETURN(std::vector<store::Image> others, store::UnnamedImages(store, origins));
  for (store::Image& other : others) {
    const auto known = std::find_if(images.begin(), images.end(), [&](const store::Image& image) {
      return image.id == other.id;
    });
    if (known == images.end()) {
      images.push_back(std::move(other));
    } else {
      known->manifests = std::move(other.manifests);
    }
  }
  return images;
}

bool SameRepository(const oci::Reference& a, const oci::Reference& b) {
  return a.domain() == b.domain() && a.path() == b.path();
}

// Whether `name` is what `wanted` means: itself, or one by which that digest came.
bool Means(const oci::Reference& wanted, const store::NamedImage& name) {
  if (store::RefPath(wanted) == store::RefPath(name.reference)) return true;
  return wanted.digest().has_value() && *wanted.digest() == name.descriptor.digest &&
         SameRepository(wanted, name.reference) && !store::IsTaggedHere(name.descriptor);
}

const StoredImage* FindByName(const std::vector<StoredImage>& images,
                              const oci::Reference& wanted) {
  const std::vector<oci::Platform> order = oci::PlatformOrder(oci::HostPlatform());
  const auto rank = [&](const StoredImage& image) {
    if (!image.config.has_value()) return order.size() + 1;
    return static_cast<size_t>(std::find(order.begin(), order.end(), image.config->platform) -
                               order.begin());
  };
  const StoredImage* best = nullptr;
  for (const StoredImage& image : images) {
    const bool has = std::any_of(image.names.begin(), image.names.end(),
                                 [&](const auto& name) { return Means(wanted, name); });
    if (has && (best == nullptr || rank(image) < rank(*best))) best = &image;
  }
  return best;
}

absl::StatusOr<const StoredImage*> FindById(const std::vector<StoredImage>& images,
                                            absl::string_view text) {
  absl::string_view prefix = text;
  absl::ConsumePrefix(&prefix, "sha256:");
  const StoredImage* found = nullptr;
  for (const StoredImage& image : images) {
    if (prefix.empty() || !absl::StartsWith(image.id.hex(), prefix)) continue;
    if (found != nullptr) {
      return base::Error(
          absl::StatusCode::kInvalidArgument, "E_AMBIGUOUS",
          absl::StrCat("Multiple IDs found with provided prefix: ", base::Printable(text)));
    }
    found = &image;
  }
  return found;
}

void AddOnce(std::string text, std::vector<std::string>* texts) {
  if (std::find(texts->begin(), texts->end(), text) == texts->end()) {
    texts->push_back(std::move(text));
  }
}

}  // namespace

absl::StatusOr<std::vector<StoredImage>> ListStoredImages(const store::Store& store,
                                                          const ListOptions& options) {
  store::Origins origins;
  if (options.containers) {
    STAVE_ASSIGN_OR_RETURN(origins, store::FindNamers(store));
  } else {
    STAVE_ASSIGN_OR_RETURN(origins.refs, store::ListRefs(store));
  }
  STAVE_ASSIGN_OR_RETURN(std::vector<store::Image> found,
                         FindImages(store, origins, options.unnamed));
  std::vector<StoredImage> images;
  Sizes sizes;
  for (store::Image& one : found) {
    StoredImage image{one.id, std::move(one.names), std::move(one.manifests), {}, {}, {}, {}, 0, {},
                      {}};
    ReadConfig(store, &image, &sizes);
    if (image.names.empty() && !image.config.has_value()) continue;
    image.named = NamedAt(store, image.names);
    for (const auto& container : store::ContainersOf(origins, {image.id})) {
      image.containers.push_back(container.id);
    }
    images.push_back(std::move(image));
  }
  std::stable_sort(images.begin(), images.end(), IsBefore);
  return images;
}

absl::StatusOr<StoredImage> FindStoredImage(const store::Store& store, absl::string_view text) {
  const auto reference = oci::Reference::Parse(text);
  if (reference.ok()) {
    STAVE_ASSIGN_OR_RETURN(const std::vector<StoredImage> named,
                           ListStoredImages(store, {.unnamed = false}));
    if (const StoredImage* found = FindByName(named, *reference)) return *found;
  }
  STAVE_ASSIGN_OR_RETURN(const std::vector<StoredImage> images, ListStoredImages(store, {}));
  STAVE_ASSIGN_OR_RETURN(const StoredImage* found, FindById(images, text));
  if (found != nullptr) return *found;
  return base::Error(absl::StatusCode::kNotFound, "E_NOT_FOUND",
                     absl::StrCat("No such image: ",
                                  reference.ok() ? reference->Familiar() : base::Printable(text)));
}

std::vector<std::string> RepoTags(const StoredImage& image) {
  std::vector<std::string> tags;
  for (const store::NamedImage& name : image.names) {
    if (!name.reference.digest().has_value()) tags.push_back(name.reference.Familiar());
  }
  return tags;
}

std::vector<std::string> RepoDigests(const StoredImage& image) {
  std::vector<std::string> digests;
  for (const store::NamedImage& name : image.names) {
    if (store::IsTaggedHere(name.descriptor)) continue;
    AddOnce(absl::StrCat(name.reference.FamiliarName(), "@", name.descriptor.digest.ToString()),
            &digests);
  }
  return digests;
}

}  // namespace stave::image
