// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/stave_member.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"

namespace stave::oci {
namespace {

using json::Value;

constexpr char kWord[] = "E_DOCUMENT";
constexpr int64_t kVersion = 1;
constexpr size_t kMaxName = 255;

Value& Member(Value* document) {
  Value& member = document->Make({"stave"});
  if (member.Find("version") == nullptr) member.Set("version", Value::Number(kVersion));
  return member;
}

Value OrNull(const std::optional<std::vector<std::string>>& words) {
  return words ? Value::Strings(*words) : Value();
}

absl::StatusOr<Digest> ReadDigest(const MemberReader& reader, absl::string_view key) {
  STAVE_ASSIGN_OR_RETURN(const std::string text, reader.Text(key));
  absl::StatusOr<Digest> digest = Digest::Parse(text);
  if (!digest.ok()) return base::WithContext(digest.status(), reader.PointerTo(key));
  return digest;
}

absl::StatusOr<std::optional<Value>> ReadHealthcheck(const MemberReader& reader) {
  STAVE_ASSIGN_OR_RETURN(const Value* value, reader.Object("healthcheck"));
  return value == nullptr ? std::optional<Value>() : std::optional<Value>(*value);
}

absl::StatusOr<ImageMember> ReadImage(const MemberReader& reader) {
  STAVE_ASSIGN_OR_RETURN(Digest manifest, ReadDigest(reader, "manifest"));
  STAVE_ASSIGN_OR_RETURN(Digest config, ReadDigest(reader, "config"));
  ImageMember image{"", std::move(manifest), std::move(config), {}, {}, "", "", {}, {}, {}, {}, ""};
  STAVE_ASSIGN_OR_RETURN(image.reference, reader.Text("reference"));
  STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> layers, reader.Texts("layers"));
  for (size_t i = 0; i < layers.size(); ++i) {
    absl::StatusOr<Digest> layer = Digest::Parse(layers[i]);
    if (!layer.ok()) {
      return base::WithContext(layer.status(), absl::StrCat(reader.PointerTo("layers"), "/", i));
    }
    image.layers.push_back(*std::move(layer));
  }
  STAVE_ASSIGN_OR_RETURN(image.command.entrypoint, reader.OptionalTexts("entrypoint"));
  STAVE_ASSIGN_OR_RETURN(image.command.cmd, reader.OptionalTexts("cmd"));
  STAVE_ASSIGN_OR_RETURN(image.user, reader.Text("user"));
  STAVE_ASSIGN_OR_RETURN(image.workdir, reader.Text("workdir"));
  STAVE_ASSIGN_OR_RETURN(image.volumes, reader.Texts("volumes"));
  STAVE_ASSIGN_OR_RETURN(image.ports, reader.Texts("ports"));
  STAVE_ASSIGN_OR_RETURN(image.stop_signal, reader.OptionalText("stopSignal"));
  STAVE_ASSIGN_OR_RETURN(image.healthcheck, ReadHealthcheck(reader));
  STAVE_ASSIGN_OR_RETURN(image.asked, reader.Text("asked"));
  return image;
}

absl::Status CheckStore(const MemberReader& reader, const std::string& store) {
  if (store.empty()) return absl::OkStatus();
  if (!absl::StartsWith(store, "/")) return reader.Error("store", "is not an absolute path");
  for (const absl::string_view part : absl::StrSplit(store, '/')) {
    if (part == "..") return reader.Error("store", "holds \"..\"");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadMode(const MemberReader& reader, const char* kind) {
  STAVE_ASSIGN_OR_RETURN(const Value* value, reader.Object(kind));
  if (value == nullptr) return std::string();
  return MemberReader(*value, reader.PointerTo(kind), kWord).Text("mode");
}

absl::Status ReadIntents(const MemberReader& reader, StaveMember* member) {
  STAVE_ASSIGN_OR_RETURN(const Value* rootfs, reader.Object("rootfs"));
  if (rootfs != nullptr) {
    const MemberReader inner(*rootfs, reader.PointerTo("rootfs"), kWord);
    STAVE_ASSIGN_OR_RETURN(member->rootfs_readonly, inner.Flag("readonly"));
  }
  STAVE_ASSIGN_OR_RETURN(member->network_mode, ReadMode(reader, "network"));
  STAVE_ASSIGN_OR_RETURN(member->pid_mode, ReadMode(reader, "pid"));
  STAVE_ASSIGN_OR_RETURN(member->ipc_mode, ReadMode(reader, "ipc"));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<StaveMember> GetStaveMember(const Value& document) {
  StaveMember member;
  STAVE_ASSIGN_OR_RETURN(const Value* value, MemberReader(document, "", kWord).Object("stave"));
  if (value == nullptr) return member;
  const MemberReader reader(*value, "/stave", kWord);
  STAVE_ASSIGN_OR_RETURN(const int64_t version,
                         reader.Integer("version", 1, int64_t{1} << 31, kVersion));
  if (version > kVersion) {
    return reader.Error("version", absl::StrCat(version, ": was written by a newer stave"));
  }
  STAVE_ASSIGN_OR_RETURN(member.store, reader.Text("store"));
  STAVE_RETURN_IF_ERROR(CheckStore(reader, member.store));
  STAVE_ASSIGN_OR_RETURN(const Value* image, reader.Object("image"));
  if (image != nullptr) {
    STAVE_ASSIGN_OR_RETURN(member.image, ReadImage(MemberReader(*image, "/stave/image", kWord)));
  }
  STAVE_ASSIGN_OR_RETURN(member.user, reader.Text("user"));
  STAVE_ASSIGN_OR_RETURN(member.name, reader.Text("name"));
  if (!member.name.empty()) {
    const absl::Status name = CheckContainerName(member.name);
    if (!name.ok()) return reader.Error("name", name.message());
  }
  STAVE_ASSIGN_OR_RETURN(member.labels, reader.TextMap("labels"));
  STAVE_RETURN_IF_ERROR(ReadIntents(reader, &member));
  return member;
}

ImageMember MakeImageMember(absl::string_view reference, const Digest& manifest,
                            const Digest& config_digest, const std::vector<Digest>& layers,
                            const ImageConfig& config) {
  ImageMember image{
      std::string(reference), manifest, config_digest, layers, {}, "", "", {}, {}, {}, {}, ""};
  image.command = {config.entrypoint, config.cmd};
  image.user = config.user;
  image.workdir = config.working_dir;
  image.volumes = config.volumes;
  image.ports = config.exposed_ports;
  if (!config.stop_signal.empty()) image.stop_signal = config.stop_signal;
  image.healthcheck = config.healthcheck;
  return image;
}

void SetStore(absl::string_view store, Value* document) {
  Member(document).Set("store", Value::String(store));
}

void SetImage(const ImageMember& image, Value* document) {
  Value::Elements layers;
  for (const Digest& layer : image.layers) layers.push_back(Value::String(layer.ToString()));
  Value& member = Member(document);
  const Value* there = member.Find("image");
  Value value = there != nullptr && there->is_object() ? *there : Value::Object();
  value.Set("reference", Value::String(image.reference));
  value.Set("manifest", Value::String(image.manifest.ToString()));
  value.Set("config", Value::String(image.config.ToString()));
  value.Set("layers", Value::Array(std::move(layers)));
  value.Set("entrypoint", OrNull(image.command.entrypoint));
  value.Set("cmd", OrNull(image.command.cmd));
  value.Set("user", Value::String(image.user));
  value.Set("workdir", Value::String(image.workdir));
  value.Set("volumes", Value::Strings(image.volumes));
  value.Set("ports", Value::Strings(image.ports));
  value.Set("stopSignal", image.stop_signal ? Value::String(*image.stop_signal) : Value());
  value.Set("healthcheck", image.healthcheck.value_or(Value()));
  if (!image.asked.empty()) value.Set("asked", Value::String(image.asked));
  member.Set("image", std::move(value));
}

void SetAskedImage(absl::string_view asked, Value* document) {
  Member(document);
  document->Make({"stave", "image"}).Set("asked", Value::String(asked));
}

void SetAskedUser(absl::string_view user, Value* document) {
  Member(document).Set("user", Value::String(user));
}

void SetAskedEntrypoint(absl::string_view entrypoint, Value* document) {
  Member(document).Set("entrypoint", Value::String(entrypoint));
}

void SetName(absl::string_view name, Value* document) {
  Member(document).Set("name", Value::String(name));
}

void SetLabels(const TextPairs& labels, Value* document) {
  Member(document);
  Value& member = document->Make({"stave", "labels"});
  for (const auto& [key, text] : labels) member.Set(key, Value::String(text));
}

void SetRootfsReadonly(bool readonly, Value* document) {
  Member(document);
  document->Make({"stave", "rootfs"}).Set("readonly", Value::Bool(readonly));
}

void SetMode(absl::string_view kind, absl::string_view mode, Value* document) {
  Member(document);
  document->Make({"stave", kind}).Set("mode", Value::String(mode));
}

absl::Status CheckContainerName(absl::string_view name) {
  const auto plain = [](char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); };
  const bool good = !name.empty() && name.size() <= kMaxName && plain(name[0]) &&
                    std::all_of(name.begin(), name.end(), [&](char c) {
                      return plain(c) || c == '_' || c == '.' || c == '-';
                    });
  if (good) return absl::OkStatus();
  return base::Error(absl::StatusCode::kInvalidArgument, "E_NAME",
                     absl::StrCat("\"", base::Printable(name, 64),
                                  "\": is no name: a letter or digit, then letters, digits, '_', "
                                  "'.' or '-', at most 255 in all"));
}

}  // namespace stave::oci
