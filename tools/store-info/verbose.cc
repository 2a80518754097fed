// SPDX-License-Identifier: Apache-2.0
#include "tools/store-info/verbose.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "libs/base/error.h"
#include "libs/base/id.h"
#include "libs/base/number.h"
#include "libs/base/status_macros.h"
#include "libs/cli/format.h"
#include "libs/cli/human_size.h"
#include "libs/template/value.h"
#include "tools/ps-lister/cells.h"
#include "tools/ps-lister/images.h"

namespace stave::tools {
namespace {

using templates::Value;
using Texts = std::vector<std::string>;

constexpr size_t kNoLimit = size_t{1} << 20;

constexpr cli::Field kImageFields[] = {
    {"Repository", "REPOSITORY"},
    {"Tag", "TAG"},
    {"ID", "IMAGE ID"},
    {"CreatedSince", "CREATED"},
    {"Size", "SIZE"},
    {"SharedSize", "SHARED SIZE"},
    {"UniqueSize", "UNIQUE SIZE"},
    {"Containers", "CONTAINERS"},
};
constexpr cli::Field kContainerFields[] = {
    {"ID", "CONTAINER ID"}, {"Image", "IMAGE"},
    {"Command", "COMMAND"}, {"LocalVolumes", "LOCAL VOLUMES"},
    {"Size", "SIZE"},       {"RunningFor", "CREATED"},
    {"Status", "STATUS"},   {"Names", "NAMES"},
};
constexpr cli::Field kVolumeFields[] = {
    {"Name", "VOLUME NAME"}, {"Links", "LINKS"}, {"Size", "SIZE"}};
constexpr cli::Field kCacheFields[] = {
    {"ID", "CACHE ID"},          {"CacheType", "CACHE TYPE"},    {"Size", "SIZE"},
    {"CreatedSince", "CREATED"}, {"LastUsedSince", "LAST USED"}, {"UsageCount", "USAGE"},
    {"Shared", "SHARED"}};

// One of the four: its heading, columns and rows.
struct Table {
  const char* member;  // in the object
  std::string heading;
  absl::Span<const cli::Field> fields;
  std::vector<Texts> rows;
};

Texts ImageRow(const image::StoredImage& image, int64_t shared, absl::Time now) {
  std::string repository = "<none>", tag = "<none>";
  for (const store::NamedImage& name : image.names) {
    if (name.reference.digest().has_value()) continue;
    repository = name.reference.FamiliarName();
    tag = name.reference.tag();
    break;
  }
  return {repository,
          tag,
          image.id.hex().substr(0, base::kShortIdLength),
          image.created.has_value() ? AgeText(*image.created, now) : "",
          base::FormatSizeDecimal(image.size),
          cli::HumanSize(shared),
          cli::HumanSize(image.size - shared),
          absl::StrCat(image.containers.size())};
}

Texts ContainerRow(const MeasuredContainer& container, Images* images, absl::Time now) {
  const store::Record& record = container.view.record;
  return {IdText(container.view, Width::kShort),
          base::Printable(images->Shown(record, Width::kShort), kNoLimit),
          base::Printable(CommandText(record, Width::kShort), kNoLimit),
          "0",
          base::FormatSizeDecimal(container.bytes),
          AgeText(record.created, now),
          StatusText(container.view, now),
          base::Printable(record.name, kNoLimit)};
}

std::vector<Table> Tables(const store::Store& store, const Measured& measured, absl::Time now) {
  Table images{"Images", "Images space usage:", kImageFields, {}};
  const std::vector<int64_t> shared = SharedSizes(measured.images);
  for (size_t i = 0; i < shared.size(); ++i) {
    images.rows.push_back(ImageRow(measured.images[i], shared[i], now));
  }
  Table containers{"Containers", "Containers space usage:", kContainerFields, {}};
  Images names(store);
  for (const MeasuredContainer& container : measured.containers) {
    containers.rows.push_back(ContainerRow(container, &names, now));
  }
  return {std::move(images),
          std::move(containers),
          {"Volumes", "Local Volumes space usage:", kVolumeFields, {}},
          {"BuildCache", "Build cache usage: 0B", kCacheFields, {}}};
}

absl::StatusOr<std::string> TextOf(const Table& table) {
  std::string columns;
  for (const cli::Field& field : table.fields) {
    absl::StrAppend(&columns, columns.empty() ? "table {{." : "\t{{.", field.name, "}}");
  }
  const cli::Listing listing = {
      .type = "*formatter.diskUsageContext", .fields = table.fields, .table = columns};
  STAVE_ASSIGN_OR_RETURN(cli::Format format, cli::Format::Parse("", listing));
  for (const Texts& row : table.rows) {
    cli::Row cells;
    for (const std::string& text : row) cells.fields.push_back(Value::String(text));
    STAVE_RETURN_IF_ERROR(format.Add(cells));
  }
  return format.Finish();
}

}  // namespace

absl::StatusOr<std::string> VerboseText(const store::Store& store, const Measured& measured,
                                        absl::Time now) {
  std::string text;
  for (const Table& table : Tables(store, measured, now)) {
    STAVE_ASSIGN_OR_RETURN(const std::string lines, TextOf(table));
    absl::StrAppend(&text, text.empty() ? "" : "\n", table.heading, "\n\n", lines);
  }
  return text;
}

json::Value VerboseJson(const store::Store& store, const Measured& measured, absl::Time now) {
  json::Value object = json::Value::Object();
  for (const Table& table : Tables(store, measured, now)) {
    json::Value rows = json::Value::Array();
    for (const Texts& texts : table.rows) {
      json::Value row = json::Value::Object();
      for (size_t i = 0; i < texts.size(); ++i) {
        row.Set(table.fields[i].name, json::Value::String(texts[i]));
      }
      rows.elements().push_back(std::move(row));
    }
    object.Set(table.member, std::move(rows));
  }
  return object;
}

}  // namespace stave::tools
