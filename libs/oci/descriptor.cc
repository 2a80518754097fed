// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/descriptor.h"

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"

namespace stave::oci {
namespace {

absl::StatusOr<std::optional<Platform>> ParsePlatformMember(const MemberReader& entry,
                                                            const std::string& word) {
  STAVE_ASSIGN_OR_RETURN(const json::Value* value, entry.Object("platform"));
  if (value == nullptr) return std::optional<Platform>();
  const MemberReader reader(*value, entry.PointerTo("platform"), word);
  Platform platform;
  STAVE_ASSIGN_OR_RETURN(platform.os, reader.Text("os"));
  STAVE_ASSIGN_OR_RETURN(platform.architecture, reader.Text("architecture"));
  STAVE_ASSIGN_OR_RETURN(platform.variant, reader.Text("variant"));
  STAVE_ASSIGN_OR_RETURN(platform.os_version, reader.Text("os.version"));
  return std::optional<Platform>(Normalize(platform));
}

}  // namespace

const std::string* Descriptor::FindAnnotation(absl::string_view key) const {
  for (const auto& [name, value] : annotations) {
    if (name == key) return &value;
  }
  return nullptr;
}

absl::StatusOr<Descriptor> ParseDescriptor(const json::Value& value, const std::string& pointer,
                                           const std::string& word) {
  const MemberReader reader(value, pointer, word);
  STAVE_RETURN_IF_ERROR(reader.CheckObject());
  STAVE_ASSIGN_OR_RETURN(std::string media_type, reader.Text("mediaType"));
  STAVE_ASSIGN_OR_RETURN(const std::optional<std::string> digest_text,
                         reader.OptionalText("digest"));
  if (!digest_text) return reader.Error("digest", "is missing");
  absl::StatusOr<Digest> digest = Digest::Parse(*digest_text);
  if (!digest.ok()) return base::WithContext(digest.status(), reader.PointerTo("digest"));
  if (reader.Find("size") == nullptr) return reader.Error("size", "is missing");
  STAVE_ASSIGN_OR_RETURN(const int64_t size, reader.Integer("size", 0, kMaxBlobSize, 0));
  STAVE_ASSIGN_OR_RETURN(std::optional<Platform> platform, ParsePlatformMember(reader, word));
  STAVE_ASSIGN_OR_RETURN(std::string artifact_type, reader.Text("artifactType"));
  STAVE_ASSIGN_OR_RETURN(TextPairs annotations, reader.TextMap("annotations"));
  return Descriptor{std::move(media_type), *std::move(digest),       size,
                    std::move(platform),   std::move(artifact_type), std::move(annotations)};
}

json::Value ToJson(const Descriptor& descriptor) {
  json::Value value = json::Value::Object();
  value.Set("mediaType", json::Value::String(descriptor.media_type));
  value.Set("digest", json::Value::String(descriptor.digest.ToString()));
  value.Set("size", json::Value::Number(descriptor.size));
  if (!descriptor.artifact_type.empty()) {
    value.Set("artifactType", json::Value::String(descriptor.artifact_type));
  }
  if (descriptor.platform) {
    json::Value& platform = value.Set("platform", json::Value::Object());
    platform.Set("architecture", json::Value::String(descriptor.platform->architecture));
    platform.Set("os", json::Value::String(descriptor.platform->os));
    if (!descriptor.platform->variant.empty()) {
      platform.Set("variant", json::Value::String(descriptor.platform->variant));
    }
    if (!descriptor.platform->os_version.empty()) {
      platform.Set("os.version", json::Value::String(descriptor.platform->os_version));
    }
  }
  if (!descriptor.annotations.empty()) {
    json::Value& annotations = value.Set("annotations", json::Value::Object());
    for (const auto& [name, text] : descriptor.annotations) {
      annotations.Set(name, json::Value::String(text));
    }
  }
  return value;
}

}  // namespace stave::oci
