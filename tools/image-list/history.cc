// SPDX-License-Identifier: Apache-2.0
#include "tools/image-list/history.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "libs/base/id.h"
#include "libs/base/number.h"
#include "libs/cli/human_time.h"
#include "libs/cli/table.h"
#include "libs/store/record.h"
#include "libs/template/value.h"

namespace stave::tools {
namespace {

using templates::Value;

constexpr char kMissing[] = "<missing>";
constexpr size_t kCommandWidth = 45;
constexpr absl::string_view kUtc = "+00:00";
// Of 2000-01-01: what was made earlier has no age, as in Docker.
constexpr int64_t kEpoch = 946684800;

constexpr cli::Field kFields[] = {
    {"ID", "IMAGE"},
    {"CreatedSince", "CREATED"},
    {"CreatedAt", "CREATED AT"},
    {"CreatedBy", "CREATED BY"},
    {"Size", "SIZE"},
    {"Comment", "COMMENT"},
};

constexpr cli::Listing kListing = {
    .type = "*image.historyContext",
    .fields = kFields,
    .table = "table {{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}"};

std::string TextOf(const json::Value& entry, absl::string_view key) {
  const json::Value* member = entry.Find(key);
  return member != nullptr && member->is_string() ? member->text() : "";
}

Step StepOf(const json::Value& entry) {
  Step step;
  step.id = kMissing;
  absl::Time created;
  std::string why;
  if (absl::ParseTime(absl::RFC3339_full, TextOf(entry, "created"), &created, &why)) {
    step.created = created;
  }
  step.created_by = TextOf(entry, "created_by");
  step.comment = TextOf(entry, "comment");
  const json::Value* empty = entry.Find("empty_layer");
  step.empty_layer = empty != nullptr && empty->boolean();
  return step;
}

std::string ShortId(absl::string_view id) {
  absl::ConsumePrefix(&id, "sha256:");
  return std::string(id.substr(0, base::kShortIdLength));
}

}  // namespace

std::vector<Step> StepsOf(const image::StoredImage& image) {
  std::vector<Step> steps;
  const json::Value* history = image.document.Find("history");
  if (history == nullptr) return steps;
  size_t layer = 0;
  for (const json::Value& entry : history->elements()) {
    Step step = StepOf(entry);
    if (!step.empty_layer && layer < image.layers.size()) step.size = image.layers[layer++].size;
    steps.push_back(step);
  }
  if (!steps.empty()) steps.back().id = image.id.ToString();
  std::reverse(steps.begin(), steps.end());
  return steps;
}

const cli::Listing& HistoryListing() { return kListing; }

std::string HistoryFormatText(const std::string& text, bool quiet, bool human) {
  if (!text.empty() && text != "table") return text;
  if (quiet) return "{{.ID}}";
  if (human) return std::string(kListing.table);
  return "table {{.ID}}\t{{.CreatedAt}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}";
}

cli::Row HistoryRow(const Step& step, const HistoryStyle& style) {
  const std::string command = absl::StrReplaceAll(step.created_by, {{"\t", " "}});
  std::string since, at;
  if (step.created.has_value()) {
    at = absl::FormatTime("%Y-%m-%d%ET%H:%M:%S%Ez", *step.created, style.zone);
    if (absl::EndsWith(at, kUtc)) at.replace(at.size() - kUtc.size(), kUtc.size(), "Z");
    if (!style.human) since = at;
    if (style.human && *step.created > absl::FromUnixSeconds(kEpoch)) {
      since = absl::StrCat(cli::HumanDuration(style.now - *step.created), " ago");
    }
  }
  return {
      {Value::String(style.whole ? step.id : ShortId(step.id)), Value::String(since),
       Value::String(at),
       Value::String(style.whole ? command : cli::Ellipsis(command, kCommandWidth)),
       Value::String(style.human ? base::FormatSizeDecimal(step.size) : absl::StrCat(step.size)),
       Value::String(step.comment)}};
}

json::Value HistoryJson(const Step& step) {
  json::Value line;
  line.Set("id", step.id == kMissing ? json::Value() : json::Value::String(step.id));
  line.Set("created", step.created.has_value()
                          ? json::Value::String(store::FormatTimestamp(*step.created))
                          : json::Value());
  line.Set("createdBy", json::Value::String(step.created_by));
  line.Set("size", json::Value::Number(step.size));
  line.Set("comment", json::Value::String(step.comment));
  line.Set("emptyLayer", json::Value::Bool(step.empty_layer));
  return line;
}

}  // namespace stave::tools
