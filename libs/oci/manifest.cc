// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/manifest.h"

#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/json/parse.h"
#include "libs/oci/media_type.h"
#include "libs/oci/member_reader.h"

namespace stave::oci {
namespace {

constexpr char kWord[] = "E_MANIFEST";
constexpr int64_t kSchemaVersion = 2;

absl::Status Bad(absl::string_view why) {
  return base::Error(absl::StatusCode::kInvalidArgument, kWord, why);
}

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", base::Printable(text, 100), "\"");
}

absl::Status Schema1() {
  return base::WithHint(Bad("manifest is of schema 1, which is not supported"),
                        "push the image again with a newer tool");
}

bool SaysNothing(absl::string_view type) {
  return type.empty() || type == "application/json" || type == "application/octet-stream" ||
         type == "text/plain" || type == "binary/octet-stream";
}

// Before the JSON parser: it would only say "offset 0".
absl::Status CheckLooks(absl::string_view bytes, absl::string_view type) {
  if (bytes.size() > kMaxManifestSize) {
    return base::Error(absl::StatusCode::kResourceExhausted, "E_LIMIT",
                       absl::StrCat("manifest has more than ", kMaxManifestSize, " bytes"));
  }
  if (MediaKindOf(type) == MediaKind::kSchema1) return Schema1();
  const absl::string_view text = absl::StripLeadingAsciiWhitespace(bytes);
  if (type == "text/html" || absl::StartsWith(text, "<")) {
    return base::WithHint(Bad("registry returned text/html, not a manifest"),
                          "is this the address of a registry, and are you logged in there?");
  }
  if (absl::StartsWith(bytes, "\x1f\x8b")) {
    return Bad("registry returned compressed bytes, not a manifest");
  }
  return absl::OkStatus();
}

absl::Status CheckLayer(const Descriptor& layer, const std::string& pointer) {
  absl::string_view what;
  switch (MediaKindOf(layer.media_type)) {
    case MediaKind::kLayer:
      return absl::OkStatus();
    case MediaKind::kEncryptedLayer:
      what = "layer is encrypted, which is not supported";
      break;
    case MediaKind::kForeignLayer:
      what = "layer is foreign: the registry does not hold it";
      break;
    default:
      what = "is no known type of layer";
  }
  return Bad(absl::StrCat(pointer, "/mediaType: ", Quoted(layer.media_type), ": ", what));
}

absl::StatusOr<Manifest> ReadManifest(const MemberReader& reader, const std::string& media_type) {
  const json::Value* config_value = reader.Find("config");
  if (config_value == nullptr) return reader.Error("config", "is missing");
  STAVE_ASSIGN_OR_RETURN(Descriptor config, ParseDescriptor(*config_value, "/config", kWord));
  if (MediaKindOf(config.media_type) != MediaKind::kConfig) {
    STAVE_ASSIGN_OR_RETURN(std::string artifact, reader.Text("artifactType"));
    if (artifact.empty()) artifact = config.media_type;
    return Bad(absl::StrCat("is an artifact (", base::Printable(artifact, 100), "), not an image"));
  }
  STAVE_ASSIGN_OR_RETURN(const json::Value* layers, reader.Array("layers"));
  if (layers == nullptr) return reader.Error("layers", "is missing");
  Manifest manifest{media_type, std::move(config), {}};
  for (size_t i = 0; i < layers->elements().size(); ++i) {
    const std::string pointer = absl::StrCat("/layers/", i);
    STAVE_ASSIGN_OR_RETURN(Descriptor layer,
                           ParseDescriptor(layers->elements()[i], pointer, kWord));
    STAVE_RETURN_IF_ERROR(CheckLayer(layer, pointer));
    manifest.layers.push_back(std::move(layer));
  }
  return manifest;
}

absl::StatusOr<Index> ReadIndex(const MemberReader& reader, const std::string& media_type) {
  STAVE_ASSIGN_OR_RETURN(const json::Value* entries, reader.Array("manifests"));
  if (entries == nullptr) return reader.Error("manifests", "is missing");
  Index index{media_type, {}};
  for (size_t i = 0; i < entries->elements().size(); ++i) {
    absl::StatusOr<Descriptor> entry =
        ParseDescriptor(entries->elements()[i], absl::StrCat("/manifests/", i), kWord);
    if (absl::IsUnimplemented(entry.status())) continue;  // sha512: of no use to us
    if (!entry.ok()) return entry.status();
    index.manifests.push_back(*std::move(entry));
  }
  return index;
}

// The media type that the text is read as: its own, else the registry's, else OCI's by its shape.
absl::StatusOr<std::string> DecideType(const MemberReader& reader, const std::string& told) {
  const bool has_layers = reader.Find("layers") != nullptr || reader.Find("config") != nullptr;
  const bool has_manifests = reader.Find("manifests") != nullptr;
  if (has_layers && has_manifests) {
    return Bad(
        "has the members of a manifest (\"layers\", \"config\") and of an index "
        "(\"manifests\")");
  }
  STAVE_ASSIGN_OR_RETURN(const std::string own_text, reader.Text("mediaType"));
  const std::string own = BareMediaType(own_text);
  if (!own.empty() && !SaysNothing(told) && own != told) {
    return Bad(absl::StrCat("/mediaType: ", Quoted(own), ": was announced as ", Quoted(told)));
  }
  if (!own.empty()) return own;
  if (!SaysNothing(told)) return told;
  return std::string(has_manifests ? kOciIndex : kOciManifest);
}

absl::Status CheckSchemaVersion(const MemberReader& reader) {
  const json::Value* value = reader.Find("schemaVersion");
  if (value == nullptr) return reader.Error("schemaVersion", "is missing");
  STAVE_ASSIGN_OR_RETURN(const int64_t version,
                         reader.Integer("schemaVersion", 0, int64_t{1} << 31, 0));
  if (version == 1) return Schema1();
  if (version != kSchemaVersion) {
    return reader.Error("schemaVersion", absl::StrCat(version, ": only 2 is known"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ManifestOrIndex> ParseManifestOrIndex(absl::string_view bytes,
                                                     absl::string_view content_type) {
  const std::string told = BareMediaType(content_type);
  STAVE_RETURN_IF_ERROR(CheckLooks(bytes, told));
  json::Limits limits;
  limits.bytes = kMaxManifestSize;
  STAVE_ASSIGN_OR_RETURN(const json::Value value, json::Parse(bytes, limits));
  const MemberReader reader(value, "", kWord);
  STAVE_RETURN_IF_ERROR(reader.CheckObject());
  STAVE_RETURN_IF_ERROR(CheckSchemaVersion(reader));
  STAVE_ASSIGN_OR_RETURN(const std::string type, DecideType(reader, told));
  switch (MediaKindOf(type)) {
    case MediaKind::kIndex: {
      STAVE_ASSIGN_OR_RETURN(Index index, ReadIndex(reader, type));
      return ManifestOrIndex(std::move(index));
    }
    case MediaKind::kManifest: {
      STAVE_ASSIGN_OR_RETURN(Manifest manifest, ReadManifest(reader, type));
      return ManifestOrIndex(std::move(manifest));
    }
    case MediaKind::kSchema1:
      return Schema1();
    default:
      return Bad(absl::StrCat(Quoted(type), ": is neither a manifest nor an index"));
  }
}

absl::StatusOr<Descriptor> ChooseManifest(const Index& index, const Platform& wanted) {
  const auto is_image = [](const Descriptor& entry) {
    const MediaKind kind = MediaKindOf(entry.media_type);
    return kind == MediaKind::kManifest || kind == MediaKind::kIndex;
  };
  for (const Platform& platform : PlatformOrder(wanted)) {
    for (const Descriptor& entry : index.manifests) {
      if (is_image(entry) && entry.platform && *entry.platform == platform) return entry;
    }
  }
  std::vector<std::string> there;
  for (const Descriptor& entry : index.manifests) {
    if (!is_image(entry)) continue;
    if (!entry.platform) return entry;
    // "unknown/unknown" is how BuildKit files its attestations.
    if (entry.platform->os == "unknown" || entry.platform->os.empty()) continue;
    there.push_back(base::Printable(PlatformName(*entry.platform), 40));
    if (there.size() == 20) break;
  }
  return base::Error(absl::StatusCode::kNotFound, "E_PLATFORM",
                     absl::StrCat(kNoImageFor, PlatformName(Normalize(wanted)), "; there is ",
                                  there.empty() ? "none at all" : absl::StrJoin(there, ", ")));
}

}  // namespace stave::oci
