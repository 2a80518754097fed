// SPDX-License-Identifier: Apache-2.0
#include "tools/image-list/rows.h"

#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/id.h"
#include "libs/base/number.h"
#include "libs/cli/human_size.h"
#include "libs/cli/human_time.h"
#include "libs/store/record.h"
#include "libs/template/value.h"

namespace stave::tools {
namespace {

using templates::Value;

constexpr char kNone[] = "<none>";

constexpr cli::Field kFields[] = {
    {"ID", "IMAGE ID"},      {"Repository", "REPOSITORY"},  {"Tag", "TAG"},
    {"Digest", "DIGEST"},    {"CreatedSince", "CREATED"},   {"CreatedAt", "CREATED AT"},
    {"Size", "SIZE"},        {"SharedSize", "SHARED SIZE"}, {"UniqueSize", "UNIQUE SIZE"},
    {"VirtualSize", "SIZE"}, {"Containers", "CONTAINERS"},
};

constexpr char kTable[] =
    "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t"
    "{{if .CreatedSince}}{{.CreatedSince}}{{else}}N/A{{end}}\t{{.Size}}";
constexpr char kTableWithDigests[] =
    "table {{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t"
    "{{if .CreatedSince}}{{.CreatedSince}}{{else}}N/A{{end}}\t{{.Size}}";

constexpr cli::Listing kListing = {
    .type = "*formatter.imageContext", .fields = kFields, .table = kTable};

struct NameCells {
  std::string repository;
  std::string tag;
  std::string digest;
};

struct Repository {
  std::vector<std::string> tags;
  std::vector<std::string> digests;
};

std::map<std::string, Repository> Repositories(const image::StoredImage& image) {
  std::map<std::string, Repository> repositories;
  for (const store::NamedImage& name : image.names) {
    if (name.reference.digest().has_value()) continue;
    repositories[name.reference.FamiliarName()].tags.push_back(name.reference.tag());
  }
  for (const std::string& text : image::RepoDigests(image)) {
    const size_t at = text.find('@');
    repositories[text.substr(0, at)].digests.push_back(text.substr(at + 1));
  }
  return repositories;
}

// A tag is told with each of its repository's digests, or without; digests of a repository without
// tags have rows of their own.
std::vector<NameCells> NamesOf(const image::StoredImage& image, const RowStyle& style) {
  if (image.names.empty()) return {{kNone, kNone, kNone}};
  std::vector<NameCells> cells;
  for (const auto& [name, repository] : Repositories(image)) {
    for (const std::string& tag : repository.tags) {
      if (!style.needs_digest || repository.digests.empty()) {
        cells.push_back({name, tag, kNone});
        continue;
      }
      for (const std::string& digest : repository.digests) cells.push_back({name, tag, digest});
    }
    if (!repository.tags.empty()) continue;
    if (!style.digests) cells.push_back({name, kNone, ""});
    for (const std::string& digest : repository.digests) {
      if (style.digests) cells.push_back({name, kNone, digest});
    }
  }
  return cells;
}

std::string CreatedAt(const image::StoredImage& image, const RowStyle& style) {
  constexpr char kLayout[] = "%Y-%m-%d %H:%M:%S %z %Z";
  if (!image.created.has_value()) return "0001-01-01 00:00:00 +0000 UTC";
  return absl::FormatTime(kLayout, *image.created, style.zone);
}

}  // namespace

const cli::Listing& ImageListing() { return kListing; }

std::string FormatText(const std::string& text, bool quiet, bool digests) {
  if (text.empty() || text == "table") {
    if (quiet) return "{{.ID}}";
    return digests ? kTableWithDigests : kTable;
  }
  if (text == "raw") {
    if (quiet) return "image_id: {{.ID}}";
    return absl::StrCat("repository: {{.Repository}}\ntag: {{.Tag}}\n",
                        digests ? "digest: {{.Digest}}\n" : "",
                        "image_id: {{.ID}}\ncreated_at: {{.CreatedAt}}\nvirtual_size: {{.Size}}\n");
  }
  const bool adds =
      digests && absl::StartsWith(text, "table ") && !absl::StrContains(text, "{{.Digest}}");
  return adds ? absl::StrCat(text, "\t{{.Digest}}") : text;
}

std::vector<cli::Row> RowsOf(const image::StoredImage& image, const RowStyle& style) {
  const std::string id =
      style.whole_ids ? image.id.ToString() : image.id.hex().substr(0, base::kShortIdLength);
  const std::string since =
      image.created.has_value()
          ? absl::StrCat(cli::HumanDuration(style.now - *image.created), " ago")
          : "";
  std::vector<cli::Row> rows;
  for (const NameCells& name : NamesOf(image, style)) {
    rows.push_back(
        {{Value::String(id), Value::String(name.repository), Value::String(name.tag),
          Value::String(name.digest), Value::String(since), Value::String(CreatedAt(image, style)),
          Value::String(base::FormatSizeDecimal(image.size)), Value::String("N/A"),
          Value::String("N/A"), Value::String(cli::HumanSize(image.size)), Value::String("N/A")}});
  }
  return rows;
}

json::Value JsonLine(const image::StoredImage& image) {
  json::Value line;
  line.Set("id", json::Value::String(image.id.ToString()));
  line.Set("names", json::Value::Strings(image::RepoTags(image)));
  line.Set("digests", json::Value::Strings(image::RepoDigests(image)));
  line.Set("created", image.created.has_value()
                          ? json::Value::String(store::FormatTimestamp(*image.created))
                          : json::Value());
  line.Set("size", json::Value::Number(image.size));
  const oci::Platform platform =
      image.config.has_value() ? image.config->platform : oci::Platform();
  line.Set("architecture", json::Value::String(platform.architecture));
  line.Set("os", json::Value::String(platform.os));
  line.Set("variant", json::Value::String(platform.variant));
  json::Value labels = json::Value::Object();
  if (image.config.has_value()) {
    for (const auto& [key, value] : image.config->labels) {
      labels.Set(key, json::Value::String(value));
    }
  }
  line.Set("labels", std::move(labels));
  line.Set("containers", json::Value::Strings(image.containers));
  return line;
}

}  // namespace stave::tools
