// SPDX-License-Identifier: Apache-2.0
#include "libs/store/needed.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/oci/image_config.h"
#include "libs/oci/manifest.h"
#include "libs/oci/platform.h"
#include "libs/oci/reference.h"
#include "libs/store/blobs.h"
#include "libs/store/containers.h"
#include "libs/store/mark.h"

namespace stave::store {
namespace {

// How a document was come to.
enum class Role {
  kWanted,   // named by a ref, or chosen from an index for this machine
  kPossible  // an index has it, for another machine
};

// Whether anything, of whatever size, is filed under `digest`.
bool IsHere(const Store& store, const oci::Digest& digest) {
  return base::ExistsAt(store.state(), absl::StrCat("images/blobs/sha256/", digest.hex()));
}

class Finder {
 public:
  Finder(const Store& store, Needed* needed) : store_(store), needed_(*needed) {}

  void Follow(const NamedImage& image) {
    image_ = image.reference.String();
    FollowDocument(image.descriptor, Role::kWanted, 0);
  }

 private:
  void AddBlob(const oci::Descriptor& blob, bool document);
  std::optional<std::string> Read(const oci::Descriptor& blob, size_t max);
  void FollowDocument(const oci::Descriptor& document, Role role, int depth);
  void FollowIndex(const oci::Index& index, const oci::Descriptor& about, Role role, int depth);
  void FollowManifest(const oci::Manifest& manifest, Role role);
  void AddLayers(const oci::Manifest& manifest, const oci::ImageConfig& config, Role role);
  void Tell(const oci::Digest& which, const absl::Status& why);

  const Store& store_;
  Needed& needed_;
  std::string image_;
};

void Finder::AddBlob(const oci::Descriptor& blob, bool document) {
  NeededBlob& needed = needed_.blobs[blob.digest];
  needed.size = blob.size;
  needed.document = needed.document || document;
  needed.images.insert(image_);
}

// nullopt if it is missing or not what its name says: to be told with the blobs.
std::optional<std::string> Finder::Read(const oci::Descriptor& blob, size_t max) {
  AddBlob(blob, true);
  auto bytes = ReadBlob(store_, blob.digest, blob.size, max);
  if (!bytes.ok() || oci::DigestOf(*bytes) != blob.digest) return std::nullopt;
  return *std::move(bytes);
}

void Finder::Tell(const oci::Digest& which, const absl::Status& why) {
  needed_.findings.push_back({"image", image_, "",
                              absl::StrCat(which.ToString(), ": ", why.message()),
                              base::ErrorWord(why), true, false, FetchCommand(image_)});
}

void Finder::FollowDocument(const oci::Descriptor& document, Role role, int depth) {
  const auto bytes = Read(document, oci::kMaxManifestSize);
  if (!bytes.has_value()) return;
  const auto parsed = oci::ParseManifestOrIndex(*bytes, document.media_type);
  if (!parsed.ok()) {
    // An index may list what is no image: attestations, say.
    if (role == Role::kWanted) Tell(document.digest, parsed.status());
    return;
  }
  if (const auto* index = std::get_if<oci::Index>(&*parsed)) {
    FollowIndex(*index, document, role, depth);
  } else {
    FollowManifest(std::get<oci::Manifest>(*parsed), role);
  }
}

void Finder::FollowIndex(const oci::Index& index, const oci::Descriptor& about, Role role,
                         int depth) {
  if (depth >= oci::kMaxIndexDepth) return;
  const auto chosen = oci::ChooseManifest(index, oci::HostPlatform());
  bool any = false;
  for (const oci::Descriptor& entry : index.manifests) {
    // A short one is damaged, not absent.
    if (!IsHere(store_, entry.digest)) continue;
    any = true;
    const bool mine = role == Role::kWanted && chosen.ok() && chosen->digest == entry.digest;
    FollowDocument(entry, mine ? Role::kWanted : Role::kPossible, depth + 1);
  }
  if (any || role != Role::kWanted) return;
  needed_.findings.push_back(
      {"image", image_, "",
       absl::StrCat("index ", about.digest.ToString(), ": none of its manifests is here"),
       "E_MISSING", true, false, FetchCommand(image_)});
}

void Finder::FollowManifest(const oci::Manifest& manifest, Role role) {
  for (const oci::Descriptor& layer : manifest.layers) AddBlob(layer, false);
  const auto bytes = Read(manifest.config, oci::kMaxImageConfigSize);
  if (!bytes.has_value()) return;
  const auto config = oci::ParseImageConfig(*bytes);
  const absl::Status fits = config.ok() ? oci::CheckSameLayers(manifest, *config) : config.status();
  if (fits.ok()) {
    AddLayers(manifest, *config, role);
  } else if (role == Role::kWanted) {
    Tell(manifest.config.digest, fits);
  }
}

void Finder::AddLayers(const oci::Manifest& manifest, const oci::ImageConfig& config, Role role) {
  const std::vector<oci::Digest> chain_ids = oci::ChainIds(config.diff_ids);
  for (size_t i = 0; i < chain_ids.size(); ++i) {
    const std::vector<oci::Digest> below(chain_ids.begin(),
                                         chain_ids.begin() + static_cast<ptrdiff_t>(i));
    NeededLayer& layer =
        needed_.layers
            .try_emplace(
                chain_ids[i],
                NeededLayer{config.diff_ids[i], chain_ids[i], manifest.layers[i], below, false, {}})
            .first->second;
    layer.unpacked = layer.unpacked || role == Role::kWanted;
    layer.images.insert(image_);
  }
}

// The manifest of a container's image, named by its digest; nullopt where nothing of it is here.
std::optional<NamedImage> ImageOf(const Store& store, const ContainerImage& container) {
  struct stat st;
  const std::string path = absl::StrCat("images/blobs/sha256/", container.manifest.hex());
  if (::fstatat(store.state(), path.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) return std::nullopt;
  const auto view = GetContainer(store, container.id);
  if (!view.ok()) return std::nullopt;
  const auto image = oci::Reference::Parse(view->record.image);
  if (!image.ok()) return std::nullopt;
  auto name = oci::Reference::Parse(
      absl::StrCat(image->domain(), "/", image->path(), "@", container.manifest.ToString()));
  if (!name.ok()) return std::nullopt;
  return NamedImage{*std::move(name),
                    oci::Descriptor{"", container.manifest, st.st_size, std::nullopt, "", {}}};
}

}  // namespace

absl::StatusOr<std::vector<NamedImage>> ListImages(const Store& store) {
  STAVE_ASSIGN_OR_RETURN(Origins origins, FindOrigins(store));
  std::vector<NamedImage> images = std::move(origins.refs);
  for (const ContainerImage& container : origins.containers) {
    auto image = ImageOf(store, container);
    if (image.has_value()) images.push_back(*std::move(image));
  }
  std::sort(images.begin(), images.end(), [](const NamedImage& a, const NamedImage& b) {
    return a.reference.String() < b.reference.String();
  });
  return images;
}

Needed FindNeeded(const Store& store, absl::Span<const NamedImage> images) {
  Needed needed;
  Finder finder(store, &needed);
  for (const NamedImage& image : images) finder.Follow(image);
  return needed;
}

}  // namespace stave::store
