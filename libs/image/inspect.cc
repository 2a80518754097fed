// SPDX-License-Identifier: Apache-2.0
#include "libs/image/inspect.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "libs/base/status_macros.h"
#include "libs/store/layers.h"
#include "libs/store/record.h"

namespace stave::image {
namespace {

using json::Value;

constexpr char kNever[] = "0001-01-01T00:00:00Z";

// The member of the config document at `path`, or `otherwise`.
Value Of(const Value* object, absl::string_view key, Value otherwise) {
  const Value* member = object == nullptr ? nullptr : object->Find(key);
  return member == nullptr ? std::move(otherwise) : *member;
}

// Members that are always there, and those that are only where the image has them; by name.
Value ConfigJson(const Value* given) {
  struct Member {
    const char* name;
    bool always;
    bool text;
  };
  constexpr Member kMembers[] = {
      {"ArgsEscaped", false, false}, {"Cmd", true, false},           {"Entrypoint", true, false},
      {"Env", true, false},          {"ExposedPorts", false, false}, {"Healthcheck", false, false},
      {"Labels", true, false},       {"OnBuild", true, false},       {"Shell", false, false},
      {"StopSignal", false, false},  {"User", true, true},           {"Volumes", true, false},
      {"WorkingDir", true, true}};
  Value config = Value::Object();
  for (const Member& member : kMembers) {
    Value value = Of(given, member.name, member.text ? Value::String("") : Value());
    if (value.is_null() && member.text) value = Value::String("");
    if (member.always || !value.is_null()) config.Set(member.name, std::move(value));
  }
  return config;
}

Value GraphDriverJson(const store::Store& store, const StoredImage& image) {
  std::vector<std::string> paths;  // topmost first
  for (auto layer = image.layers.rbegin(); layer != image.layers.rend(); ++layer) {
    if (layer->key.has_value()) paths.push_back(store::LayerPath(store, *layer->key));
  }
  Value data = Value::Object();
  if (paths.size() > 1) {
    data.Set("LowerDir", Value::String(absl::StrJoin(paths.begin() + 1, paths.end(), ":")));
  }
  if (!paths.empty()) data.Set("UpperDir", Value::String(paths[0]));
  return Value::Object({{"Data", std::move(data)}, {"Name", Value::String("overlay2")}});
}

Value RootFsJson(const StoredImage& image) {
  std::vector<std::string> layers;
  for (const StoredLayer& layer : image.layers) layers.push_back(layer.diff_id.ToString());
  return Value::Object({{"Type", Value::String("layers")}, {"Layers", Value::Strings(layers)}});
}

// The text `key` of the config document, or "".
Value TextOf(const StoredImage& image, absl::string_view key) {
  const Value text = Of(&image.document, key, Value::String(""));
  return text.is_string() ? text : Value::String("");
}

// A comment of the newest step, where the image itself has none.
Value CommentOf(const StoredImage& image) {
  Value own = TextOf(image, "comment");
  if (!own.text().empty()) return own;
  const Value* history = image.document.Find("history");
  if (history == nullptr || history->elements().empty()) return own;
  const Value last = Of(&history->elements().back(), "comment", Value::String(""));
  return last.is_string() ? last : own;
}

}  // namespace

Value InspectJson(const store::Store& store, const StoredImage& image) {
  Value json = Value::Object();
  json.Set("Id", Value::String(image.id.ToString()));
  json.Set("RepoTags", Value::Strings(RepoTags(image)));
  json.Set("RepoDigests", Value::Strings(RepoDigests(image)));
  json.Set("Parent", Value::String(""));
  json.Set("Comment", CommentOf(image));
  json.Set("Created", Value::String(image.created.has_value() ? image.config->created : kNever));
  json.Set("DockerVersion", TextOf(image, "docker_version"));
  json.Set("Author", TextOf(image, "author"));
  json.Set("Config", ConfigJson(image.document.Find("config")));
  json.Set("Architecture", TextOf(image, "architecture"));
  if (image.document.Find("variant") != nullptr) json.Set("Variant", TextOf(image, "variant"));
  json.Set("Os", TextOf(image, "os"));
  json.Set("Size", Value::Number(image.size));
  json.Set("GraphDriver", GraphDriverJson(store, image));
  json.Set("RootFS", RootFsJson(image));
  const std::string tagged =
      image.named.has_value() ? store::FormatTimestamp(*image.named) : std::string(kNever);
  json.Set("Metadata", Value::Object({{"LastTagTime", Value::String(tagged)}}));
  return json;
}

absl::StatusOr<Value> InspectImage(const store::Store& store, absl::string_view text) {
  STAVE_ASSIGN_OR_RETURN(const StoredImage image, FindStoredImage(store, text));
  return InspectJson(store, image);
}

}  // namespace stave::image
