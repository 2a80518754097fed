// SPDX-License-Identifier: Apache-2.0
#include "libs/store/mark.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <variant>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/id.h"
#include "libs/base/mountinfo.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"
#include "libs/oci/image_config.h"
#include "libs/oci/manifest.h"
#include "libs/oci/stave_member.h"
#include "libs/store/blobs.h"
#include "libs/store/folder.h"
#include "libs/store/lease.h"

namespace stave::store {
namespace {

constexpr size_t kMaxConfigBytes = size_t{16} << 20;
constexpr size_t kMaxMountinfo = size_t{64} << 20;
constexpr int kMaxDepth = 8;  // of indexes within indexes; a pull allows fewer

Damage Damaged(const std::string& path, absl::string_view why) {
  return {path, base::Error(absl::StatusCode::kDataLoss, "E_CORRUPT",
                            absl::StrCat(base::Printable(path), ": ", why))};
}

absl::StatusOr<std::optional<ContainerImage>> ParseContainer(const std::string& id,
                                                             absl::string_view text) {
  STAVE_ASSIGN_OR_RETURN(const json::Value document, json::Parse(text, {.bytes = kMaxConfigBytes}));
  STAVE_ASSIGN_OR_RETURN(oci::StaveMember member, oci::GetStaveMember(document));
  if (!member.image) return std::optional<ContainerImage>();
  return std::optional<ContainerImage>(
      ContainerImage{id, member.image->manifest, member.image->config, member.image->layers});
}

// One that is being made has no config.json yet, and no record.json before it. In RUN files go one
// by one when it is removed, so that a missing one says nothing.
void FindContainer(int root, const std::string& root_path, const std::string& id, bool needs_config,
                   Origins* origins) {
  const std::string folder = absl::StrCat("containers/", id);
  const std::string path = absl::StrCat(root_path, "/", folder, "/config.json");
  const auto text = base::ReadFileAt(root, folder + "/config.json", kMaxConfigBytes);
  if (absl::IsNotFound(text.status())) {
    struct stat st;
    if (needs_config && ::fstatat(root, (folder + "/record.json").c_str(), &st, 0) == 0) {
      origins->damage.push_back(Damaged(path, "is missing"));
    }
    return;
  }
  auto image = text.ok() ? ParseContainer(id, *text) : text.status();
  if (!image.ok()) {
    origins->damage.push_back(Damaged(path, image.status().message()));
  } else if (image->has_value()) {
    origins->containers.push_back(**std::move(image));
  }
}

absl::Status FindContainers(const Store& store, Origins* origins) {
  STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> home,
                         ListFolder(store.state(), "containers"));
  for (const std::string& id : home) {
    if (base::IsId(id)) FindContainer(store.state(), store.state_path(), id, true, origins);
  }
  STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> run, ListFolder(store.run(), "containers"));
  for (const std::string& id : run) {
    if (base::IsId(id)) FindContainer(store.run(), store.run_path(), id, false, origins);
  }
  return absl::OkStatus();
}

// Whether a folder of layers is surely another store's. One that cannot be found by that path (of
// another root directory, say) may be ours.
bool IsElsewhere(const Store& store, const std::string& folder) {
  struct stat ours, its;
  return ::stat(folder.c_str(), &its) == 0 &&
         ::fstatat(store.state(), "layers", &ours, AT_SYMLINK_NOFOLLOW) == 0 &&
         (ours.st_ino != its.st_ino || ours.st_dev != its.st_dev);
}

constexpr absl::string_view kFolder = "/layers/";
constexpr size_t kHexDigits = 64;

// The layer whose files a line of mountinfo shows as they are: a read-only mount of one layer is no
// overlay. The root within its file system is told, and not where that lies.
std::optional<oci::Digest> BoundLayer(absl::string_view line) {
  const std::vector<absl::string_view> fields = absl::StrSplit(line, absl::MaxSplits(' ', 4));
  if (fields.size() < 4) return std::nullopt;
  const absl::string_view root = fields[3];
  const size_t at = root.rfind(kFolder);
  if (at == root.npos) return std::nullopt;
  absl::string_view hex = root.substr(at + kFolder.size());
  if (!absl::ConsumeSuffix(&hex, "/fs") || hex.size() != kHexDigits) return std::nullopt;
  auto key = oci::Digest::Parse(absl::StrCat("sha256:", hex));
  if (!key.ok()) return std::nullopt;
  return *std::move(key);
}

// Follows names from object to object.
class Marker {
 public:
  Marker(const Store& store, Marked* marked) : store_(store), marked_(*marked) {}

  // `needed`: that it is missing is damage.
  void MarkDocument(const oci::Digest& digest, absl::string_view media_type, bool needed,
                    int depth);

 private:
  std::optional<std::string> Read(const oci::Digest& digest, size_t max, bool needed);
  void MarkImage(const oci::Manifest& manifest, bool needed);
  void MarkDigests(const json::Value& value);

  const Store& store_;
  Marked& marked_;
  std::unordered_map<oci::Digest, bool> seen_;  // documents, and whether they were needed
};

// nullopt: there is nothing to follow. Sizes in an index or manifest are a stranger's words, and no
// reason to call a file damaged: its digest says whether it is.
std::optional<std::string> Marker::Read(const oci::Digest& digest, size_t max, bool needed) {
  auto bytes = ReadBlob(store_, digest, -1, max);
  if (bytes.ok() && oci::DigestOf(*bytes) == digest) return *std::move(bytes);
  const bool missing = absl::IsNotFound(bytes.status());
  const bool no_document = absl::IsResourceExhausted(bytes.status());
  if (!needed && (missing || no_document)) return std::nullopt;
  const std::string path = absl::StrCat(store_.state_path(), "/images/blobs/sha256/", digest.hex());
  marked_.damage.push_back(Damaged(path, missing      ? "is missing"
                                         : bytes.ok() ? "has other content than its name says"
                                                      : bytes.status().message()));
  return std::nullopt;
}

void Marker::MarkDocument(const oci::Digest& digest, absl::string_view media_type, bool needed,
                          int depth) {
  marked_.blobs.insert(digest);
  const auto [seen, is_new] = seen_.insert({digest, needed});
  if (depth > kMaxDepth || (!is_new && (seen->second || !needed))) return;
  seen->second = needed;
  const auto bytes = Read(digest, oci::kMaxManifestSize, needed);
  if (!bytes) return;
  const auto parsed = oci::ParseManifestOrIndex(*bytes, media_type);
  if (!parsed.ok()) {
    // Some other artifact: it is as it came, so whatever it names counts.
    if (const auto json = json::Parse(*bytes); json.ok()) MarkDigests(*json);
  } else if (const auto* index = std::get_if<oci::Index>(&*parsed)) {
    for (const oci::Descriptor& entry : index->manifests) {
      MarkDocument(entry.digest, entry.media_type, false, depth + 1);
    }
  } else {
    MarkImage(std::get<oci::Manifest>(*parsed), needed);
  }
}

void Marker::MarkImage(const oci::Manifest& manifest, bool needed) {
  for (const oci::Descriptor& layer : manifest.layers) marked_.blobs.insert(layer.digest);
  const oci::Digest& id = manifest.config.digest;
  marked_.blobs.insert(id);
  const auto bytes = Read(id, oci::kMaxImageConfigSize, needed);
  if (!bytes) return;
  std::vector<oci::Digest>& configs = marked_.configs;
  if (std::find(configs.begin(), configs.end(), id) == configs.end()) configs.push_back(id);
  const auto config = oci::ParseImageConfig(*bytes);
  if (!config.ok()) return;  // as it came, and no image: nothing can have been unpacked
  for (const oci::Digest& key : config->diff_ids) marked_.layers.insert(key);
  for (const oci::Digest& key : oci::ChainIds(config->diff_ids)) marked_.layers.insert(key);
}

void Marker::MarkDigests(const json::Value& value) {
  for (const json::Value& element : value.elements()) MarkDigests(element);
  for (const auto& [name, member] : value.members()) {
    MarkDigests(member);
    if (name != "digest") continue;
    if (const auto digest = oci::Digest::Parse(member.text()); digest.ok()) {
      marked_.blobs.insert(*digest);
    }
  }
}

}  // namespace

absl::StatusOr<Origins> FindNamers(const Store& store) {
  Origins origins;
  STAVE_ASSIGN_OR_RETURN(RefScan scan, ScanRefs(store));
  origins.refs = std::move(scan.refs);
  for (DamagedRef& ref : scan.damaged) {
    origins.damage.push_back({absl::StrCat(store.state_path(), "/", ref.path), std::move(ref.why)});
  }
  STAVE_RETURN_IF_ERROR(FindContainers(store, &origins));
  return origins;
}

absl::StatusOr<Origins> FindOrigins(const Store& store) {
  // Before the names: a pull that ends meanwhile has set its name by then.
  STAVE_ASSIGN_OR_RETURN(std::vector<oci::Digest> held, LeasedNames(store));
  STAVE_ASSIGN_OR_RETURN(Origins origins, FindNamers(store));
  origins.held = std::move(held);
  const auto mountinfo = base::ReadFileAt(AT_FDCWD, "/proc/self/mountinfo", kMaxMountinfo);
  if (!mountinfo.ok()) return mountinfo.status();
  for (const MountedLayer& layer : MountedLayers(*mountinfo)) {
    if (!IsElsewhere(store, layer.folder)) origins.held.push_back(layer.key);
  }
  return origins;
}

Marked Mark(const Store& store, const Origins& origins) {
  Marked marked;
  marked.damage = origins.damage;
  Marker marker(store, &marked);
  for (const NamedImage& ref : origins.refs) {
    marker.MarkDocument(ref.descriptor.digest, ref.descriptor.media_type, true, 0);
  }
  for (const ContainerImage& container : origins.containers) {
    marker.MarkDocument(container.manifest, "", false, 0);
    marked.blobs.insert(container.config);
    marked.layers.insert(container.layers.begin(), container.layers.end());
  }
  for (const oci::Digest& digest : origins.documents) marker.MarkDocument(digest, "", false, 0);
  for (const oci::Digest& name : origins.held) {
    marked.blobs.insert(name);
    marked.layers.insert(name);
  }
  return marked;
}

std::vector<MountedLayer> MountedLayers(absl::string_view mountinfo) {
  std::vector<MountedLayer> layers;
  for (const absl::string_view line : absl::StrSplit(mountinfo, '\n')) {
    if (!absl::StrContains(line, " - overlay ")) {
      if (auto key = BoundLayer(line)) layers.push_back({"", *std::move(key)});
      continue;
    }
    for (size_t at = line.find(kFolder); at != line.npos; at = line.find(kFolder, at + 1)) {
      const size_t hex = at + kFolder.size();
      auto key = oci::Digest::Parse(absl::StrCat("sha256:", line.substr(hex, kHexDigits)));
      if (!key.ok()) continue;
      const size_t before = line.find_last_of("=:, ", at);  // the line has spaces
      const absl::string_view folder = line.substr(before + 1, hex - 1 - (before + 1));
      layers.push_back({base::UnescapeMountinfo(folder), *std::move(key)});
    }
  }
  return layers;
}

}  // namespace stave::store
