// SPDX-License-Identifier: Apache-2.0
#include "libs/image/archive_source.h"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/image/archive_table.h"
#include "libs/image/file_range.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"
#include "libs/oci/image_config.h"
#include "libs/oci/media_type.h"
#include "libs/oci/member_reader.h"
#include "libs/oci/reference.h"

namespace stave::image {
namespace {

constexpr size_t kMaxTable = size_t{4} << 20;
constexpr size_t kMaxNamesShown = 20;

// One element of manifest.json.
struct ImageEntry {
  std::string config;
  std::vector<std::string> tags;
  std::vector<std::string> layers;
};

absl::StatusOr<std::string> ReadMember(int fd, const ArchiveTable& table, const std::string& path,
                                       size_t max) {
  STAVE_ASSIGN_OR_RETURN(const ArchiveMember member, table.Find(path));
  if (member.size > static_cast<int64_t>(max)) {
    return base::Error(
        absl::StatusCode::kResourceExhausted, "E_LIMIT",
        absl::StrCat(base::Printable(path, 120), ": is larger than ", max, " bytes"));
  }
  std::string bytes;
  STAVE_RETURN_IF_ERROR(
      ReadRange(fd, member.offset, member.size, path, [&](absl::string_view data) {
        absl::StrAppend(&bytes, data);
        return absl::OkStatus();
      }));
  return bytes;
}

absl::StatusOr<std::vector<ImageEntry>> ParseImages(absl::string_view text) {
  const auto json = json::Parse(text);
  if (!json.ok()) return base::WithContext(json.status(), "manifest.json");
  if (!json->is_array()) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_MANIFEST",
                       "manifest.json: is not an array");
  }
  std::vector<ImageEntry> images;
  for (const json::Value& element : json->elements()) {
    const oci::MemberReader reader(element, absl::StrCat("manifest.json: /", images.size()),
                                   "E_MANIFEST");
    STAVE_RETURN_IF_ERROR(reader.CheckObject());
    ImageEntry image;
    STAVE_ASSIGN_OR_RETURN(image.config, reader.Text("Config"));
    STAVE_ASSIGN_OR_RETURN(image.tags, reader.Texts("RepoTags"));
    STAVE_ASSIGN_OR_RETURN(image.layers, reader.Texts("Layers"));
    if (image.config.empty()) return reader.Error("Config", "is missing");
    for (const std::string& layer : image.layers) {
      if (layer.empty()) return reader.Error("Layers", "a name is empty");
    }
    images.push_back(std::move(image));
  }
  return images;
}

bool SameName(absl::string_view wanted, const std::string& tag) {
  if (wanted == tag) return true;
  const auto a = oci::Reference::Parse(wanted);
  const auto b = oci::Reference::Parse(tag);
  return a.ok() && b.ok() && *a == *b;
}

absl::StatusOr<ImageEntry> ChooseImage(const std::vector<ImageEntry>& images,
                                       absl::string_view name) {
  if (name.empty() && images.size() == 1) return images[0];
  std::set<std::string> names;
  for (const ImageEntry& image : images) {
    for (const std::string& tag : image.tags) {
      if (!name.empty() && SameName(name, tag)) return image;
      if (names.size() < kMaxNamesShown) names.insert(base::Printable(tag, 80));
    }
  }
  const std::string there =
      names.empty() ? "none has a name" : absl::StrCat("there are ", absl::StrJoin(names, ", "));
  const std::string what =
      images.empty() ? "the archive holds no image"
      : name.empty() ? absl::StrCat("several images; say which: ", there)
                     : absl::StrCat("no image \"", base::Printable(name, 80), "\"; ", there);
  return base::Error(absl::StatusCode::kNotFound, "E_TAG", what);
}

// The media type of a layer by its first bytes.
absl::StatusOr<std::string> LayerType(int fd, const ArchiveMember& member) {
  std::string start;
  STAVE_RETURN_IF_ERROR(ReadRange(fd, member.offset, std::min<int64_t>(4, member.size), "layer",
                                  [&](absl::string_view data) {
                                    absl::StrAppend(&start, data);
                                    return absl::OkStatus();
                                  }));
  if (absl::StartsWith(start, "\x1f\x8b")) return oci::kOciLayerGzip;
  if (absl::StartsWith(start, "\x28\xb5\x2f\xfd")) return oci::kOciLayerZstd;
  return oci::kOciLayer;
}

absl::StatusOr<oci::Digest> HashMember(int fd, const ArchiveMember& member) {
  oci::Sha256 hash;
  STAVE_RETURN_IF_ERROR(
      ReadRange(fd, member.offset, member.size, "layer", [&](absl::string_view data) {
        hash.Update(data);
        return absl::OkStatus();
      }));
  return hash.Finish();
}

class ArchiveSource : public Source {
 public:
  explicit ArchiveSource(base::UniqueFd file) : file_(std::move(file)) {}

  absl::Status Load(absl::string_view name);
  absl::StatusOr<Document> GetTop() override { return MakeDocument(manifest_, oci::kOciManifest); }
  absl::StatusOr<Document> GetDocument(const oci::Descriptor& descriptor) override {
    return absl::NotFoundError(absl::StrCat(descriptor.digest.ToString(), ": not in the archive"));
  }
  absl::Status GetBlob(const oci::Digest& digest, int64_t size, int64_t offset,
                       const ByteSink& sink) override;

 private:
  absl::StatusOr<oci::Descriptor> TakeLayer(const ArchiveMember& member,
                                            const oci::Digest& diff_id);

  base::UniqueFd file_;
  std::string manifest_;
  std::map<oci::Digest, ArchiveMember> blobs_;
};

absl::StatusOr<oci::Descriptor> ArchiveSource::TakeLayer(const ArchiveMember& member,
                                                         const oci::Digest& diff_id) {
  STAVE_ASSIGN_OR_RETURN(std::string type, LayerType(file_.get(), member));
  oci::Descriptor layer{std::move(type), diff_id, member.size, std::nullopt, "", {}};
  // A plain layer is checked against its diffID when it is read.
  if (layer.media_type != oci::kOciLayer) {
    STAVE_ASSIGN_OR_RETURN(layer.digest, HashMember(file_.get(), member));
  }
  blobs_[layer.digest] = member;
  return layer;
}

absl::Status ArchiveSource::Load(absl::string_view name) {
  STAVE_ASSIGN_OR_RETURN(const ArchiveTable table, ArchiveTable::Read(file_.get()));
  STAVE_ASSIGN_OR_RETURN(const std::string text,
                         ReadMember(file_.get(), table, "manifest.json", kMaxTable));
  STAVE_ASSIGN_OR_RETURN(const std::vector<ImageEntry> images, ParseImages(text));
  STAVE_ASSIGN_OR_RETURN(const ImageEntry image, ChooseImage(images, name));
  STAVE_ASSIGN_OR_RETURN(const std::string config,
                         ReadMember(file_.get(), table, image.config, oci::kMaxImageConfigSize));
  const auto parsed = oci::ParseImageConfig(config);
  if (!parsed.ok()) return base::WithContext(parsed.status(), "image config");
  if (parsed->diff_ids.size() != image.layers.size()) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_MANIFEST",
                       absl::StrCat("manifest.json: ", image.layers.size(),
                                    " layers, but the config has ", parsed->diff_ids.size()));
  }
  json::Value layers = json::Value::Array();
  for (size_t i = 0; i < image.layers.size(); ++i) {
    STAVE_ASSIGN_OR_RETURN(const ArchiveMember member, table.Find(image.layers[i]));
    STAVE_ASSIGN_OR_RETURN(const oci::Descriptor layer, TakeLayer(member, parsed->diff_ids[i]));
    layers.elements().push_back(oci::ToJson(layer));
  }
  const oci::Descriptor descriptor{oci::kOciConfig,
                                   oci::DigestOf(config),
                                   static_cast<int64_t>(config.size()),
                                   std::nullopt,
                                   "",
                                   {}};
  STAVE_ASSIGN_OR_RETURN(blobs_[descriptor.digest], table.Find(image.config));
  json::Value manifest = json::Value::Object();
  manifest.Set("schemaVersion", json::Value::Number(2));
  manifest.Set("mediaType", json::Value::String(oci::kOciManifest));
  manifest.Set("config", oci::ToJson(descriptor));
  manifest.Set("layers", std::move(layers));
  manifest_ = json::Print(manifest);
  return absl::OkStatus();
}

absl::Status ArchiveSource::GetBlob(const oci::Digest& digest, int64_t size, int64_t offset,
                                    const ByteSink& sink) {
  const auto found = blobs_.find(digest);
  if (found == blobs_.end() || found->second.size != size) {
    return absl::NotFoundError(absl::StrCat(digest.ToString(), ": not in the archive"));
  }
  return ReadRange(file_.get(), found->second.offset + offset, size - offset, digest.ToString(),
                   sink);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Source>> OpenDockerArchive(const std::string& file,
                                                          absl::string_view name) {
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd fd, base::OpenRegularAt(AT_FDCWD, file));
  auto source = std::make_unique<ArchiveSource>(std::move(fd));
  STAVE_RETURN_IF_ERROR(source->Load(name));
  return std::unique_ptr<Source>(std::move(source));
}

}  // namespace stave::image
