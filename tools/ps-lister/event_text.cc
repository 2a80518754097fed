// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-lister/event_text.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/oci/reference.h"
#include "libs/store/events.h"

namespace stave::tools {
namespace {

using json::Value;
using Attributes = std::map<std::string, std::string>;

constexpr size_t kNoLimit = size_t{1} << 20;
constexpr char kScope[] = "local";
constexpr const char* kActors[] = {"config", "container", "daemon",  "network", "node",
                                   "plugin", "secret",    "service", "volume"};

std::string Taken(Attributes* attributes, const std::string& key) {
  const auto found = attributes->find(key);
  if (found == attributes->end()) return "";
  std::string text = std::move(found->second);
  attributes->erase(found);
  return text;
}

std::string Attribute(const Message& message, const std::string& key) {
  const auto found = message.attributes.find(key);
  return found == message.attributes.end() ? "" : found->second;
}

Value AttributesValue(const Message& message) {
  Value attributes = Value::Object();
  for (const auto& [key, text] : message.attributes) attributes.Set(key, Value::String(text));
  return attributes;
}

Value Nanoseconds(absl::Time time) {
  return Value::NumberText(absl::StrCat(absl::ToUnixNanos(time)));  // above 2^53, as Docker's
}

// Without tag and digest.
std::string PlainName(const std::string& image) {
  const auto reference = oci::Reference::Parse(image);
  return reference.ok() ? reference->FamiliarName() : image;
}

}  // namespace

Message MessageOf(const store::Event& event, const std::string& image, const Attributes& labels) {
  Message message{event.time, event.type, event.action, event.id, labels};
  Attributes own = event.attributes;
  std::string more = Taken(&own, "health");
  if (event.action == "exec_create" || event.action == "exec_start") more = Taken(&own, "command");
  if (!more.empty()) absl::StrAppend(&message.action, ": ", more);
  if (const auto old = own.find("oldName"); old != own.end())
    old->second = absl::StrCat("/", old->second);
  for (auto& [key, text] : own) {
    if (!absl::StartsWith(key, store::kLabelAttribute)) message.attributes[key] = std::move(text);
  }
  if (!image.empty()) message.attributes["image"] = image;
  message.attributes["name"] = event.name;
  return message;
}

std::string MessageLine(const Message& message, absl::TimeZone zone) {
  const std::string offset = absl::FormatTime("%Ez", message.time, zone);
  std::string line = absl::StrCat(absl::FormatTime("%Y-%m-%d%ET%H:%M:%E9S", message.time, zone),
                                  offset == "+00:00" ? "Z" : offset, " ", message.type, " ",
                                  message.action, " ", message.id);
  if (!message.attributes.empty()) {
    absl::StrAppend(&line, " (", absl::StrJoin(message.attributes, ", ", absl::PairFormatter("=")),
                    ")");
  }
  return base::Printable(line, kNoLimit);
}

json::Value MessageJson(const Message& message) {
  Value value = Value::Object();
  value.Set("status", Value::String(message.action));
  value.Set("id", Value::String(message.id));
  if (const std::string image = Attribute(message, "image"); !image.empty()) {
    value.Set("from", Value::String(image));
  }
  value.Set("Type", Value::String(message.type));
  value.Set("Action", Value::String(message.action));
  value.Set("Actor", Value::Object({{"ID", Value::String(message.id)},
                                    {"Attributes", AttributesValue(message)}}));
  value.Set("scope", Value::String(kScope));
  value.Set("time", Value::Number(absl::ToUnixSeconds(message.time)));
  value.Set("timeNano", Nanoseconds(message.time));
  return value;
}

json::Value MessageObject(const Message& message) {
  Value value = Value::Object();
  value.Set("Status", Value::String(message.action));
  value.Set("ID", Value::String(message.id));
  value.Set("From", Value::String(Attribute(message, "image")));
  value.Set("Type", Value::String(message.type));
  value.Set("Action", Value::String(message.action));
  value.Set("Actor", Value::Object({{"ID", Value::String(message.id)},
                                    {"Attributes", AttributesValue(message)}}));
  value.Set("Scope", Value::String(kScope));
  value.Set("Time", Value::Number(absl::ToUnixSeconds(message.time)));
  value.Set("TimeNano", Nanoseconds(message.time));
  return value;
}

absl::StatusOr<EventFilter> EventFilter::Parse(const std::vector<std::string>& texts) {
  EventFilter filter;
  STAVE_ASSIGN_OR_RETURN(filter.values_, SplitFilters(texts));
  STAVE_RETURN_IF_ERROR(CheckFilterKeys(
      filter.values_, {"config", "container", "daemon", "event", "image", "label", "network",
                       "node", "plugin", "scope", "secret", "service", "type", "volume"}));
  return filter;
}

bool EventFilter::IsExact(absl::string_view key, absl::string_view text) const {
  const auto found = values_.find(key);
  return found == values_.end() ||
         std::find(found->second.begin(), found->second.end(), text) != found->second.end();
}

bool EventFilter::IsFuzzy(absl::string_view key, absl::string_view text) const {
  const auto found = values_.find(key);
  return found == values_.end() ||
         std::any_of(found->second.begin(), found->second.end(),
                     [&](const std::string& value) { return absl::StartsWith(text, value); });
}

bool EventFilter::Takes(const Message& message) const {
  if (values_.empty()) return true;
  for (const char* actor : kActors) {
    if (!IsFuzzy(actor, message.id) && !IsFuzzy(actor, Attribute(message, "name"))) return false;
  }
  return TakesAction(message) && IsExact("type", message.type) && IsExact("scope", kScope) &&
         TakesImage(message) && TakesLabels(message);
}

// Of actions that say more the first word is enough.
bool EventFilter::TakesAction(const Message& message) const {
  const absl::string_view whole = message.action;
  return IsExact("event", whole) || IsExact("event", whole.substr(0, whole.find(':')));
}

bool EventFilter::TakesImage(const Message& message) const {
  const std::string image = Attribute(message, "image");
  return IsExact("image", message.id) || IsExact("image", image) ||
         IsExact("image", PlainName(image));
}

bool EventFilter::TakesLabels(const Message& message) const {
  const auto wanted = values_.find("label");
  if (wanted == values_.end()) return true;
  return std::all_of(wanted->second.begin(), wanted->second.end(), [&](const std::string& text) {
    const size_t equals = text.find('=');
    const auto found = message.attributes.find(text.substr(0, equals));
    if (found == message.attributes.end()) return false;
    return equals == text.npos || found->second == text.substr(equals + 1);
  });
}

}  // namespace stave::tools
