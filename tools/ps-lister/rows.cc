// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-lister/rows.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "libs/base/error.h"
#include "libs/store/record.h"
#include "libs/template/value.h"
#include "tools/ps-lister/filter.h"

namespace stave::tools {
namespace {

using templates::Value;

constexpr size_t kNoLimit = size_t{1} << 20;

constexpr cli::Field kFields[] = {
    {"ID", "CONTAINER ID"},    {"Names", "NAMES"},
    {"Image", "IMAGE"},        {"ImageID", "IMAGE ID"},
    {"Command", "COMMAND"},    {"CreatedAt", "CREATED AT"},
    {"RunningFor", "CREATED"}, {"Ports", "PORTS"},
    {"State", "STATE"},        {"Status", "STATUS"},
    {"Size", "SIZE"},          {"Labels", "LABELS"},
    {"Mounts", "MOUNTS"},      {"LocalVolumes", "LOCAL VOLUMES"},
    {"Networks", "NETWORKS"},  {"HealthStatus", "HEALTH STATUS"},
    {"Platform", "PLATFORM"},
};

constexpr char kTable[] =
    "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t"
    "{{.Names}}";
constexpr char kSizedTable[] =
    "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t"
    "{{.Names}}\t{{.Size}}";
constexpr char kRaw[] =
    "container_id: {{.ID}}\nimage: {{.Image}}\ncommand: {{.Command}}\n"
    "created_at: {{.CreatedAt}}\nstate: {{- pad .State 1 0}}\nstatus: {{- pad .Status 1 0}}\n"
    "names: {{.Names}}\nlabels: {{- pad .Labels 1 0}}\nports: {{- pad .Ports 1 0}}\n";
constexpr char kSizedRaw[] =
    "container_id: {{.ID}}\nimage: {{.Image}}\ncommand: {{.Command}}\n"
    "created_at: {{.CreatedAt}}\nstate: {{- pad .State 1 0}}\nstatus: {{- pad .Status 1 0}}\n"
    "names: {{.Names}}\nlabels: {{- pad .Labels 1 0}}\nports: {{- pad .Ports 1 0}}\n"
    "size: {{.Size}}\n";

constexpr cli::Listing kListing = {.type = "*formatter.ContainerContext",
                                   .fields = kFields,
                                   .table = kTable,
                                   .raw = kRaw,
                                   .has_labels = true,
                                   .parse_error = "failed to parse template",
                                   .execute_error = "failed to execute template"};
constexpr cli::Listing kSizedListing = {.type = "*formatter.ContainerContext",
                                        .fields = kFields,
                                        .table = kSizedTable,
                                        .raw = kSizedRaw,
                                        .has_labels = true,
                                        .parse_error = "failed to parse template",
                                        .execute_error = "failed to execute template"};

std::string TextOf(absl::string_view field, const store::ContainerView& container,
                   const Look& look) {
  const store::Record& record = container.record;
  if (field == "ID") return IdText(container, look.width);
  if (field == "State") return StateText(container);
  if (field == "Status") return StatusText(container, look.now);
  if (field == "LocalVolumes") return "0";
  if (IsDamaged(container)) return "";
  if (field == "Names") return record.name;
  if (field == "Image") return look.images->Shown(record, look.width);
  if (field == "ImageID") return record.image_id;
  if (field == "Command") return CommandText(record, look.width);
  if (field == "CreatedAt") return CreatedText(record.created, look.zone);
  if (field == "RunningFor") return AgeText(record.created, look.now);
  if (field == "Ports") return PortsCell(container);
  if (field == "Size") return SizeText(look.sizes ? look.sizes(record) : Sizes());
  if (field == "Labels") return LabelsText(record);
  if (field == "Mounts") return MountsText(record, look.width);
  if (field == "Networks") return NetworksText(record);
  if (field == "HealthStatus") return HealthText(container);
  return look.images->Of(record.image_id).platform;
}

json::Value TimeOrNull(const std::optional<absl::Time>& time) {
  return time.has_value() ? json::Value::String(store::FormatTimestamp(*time)) : json::Value();
}

json::Value TextOrNull(const std::string& text) {
  return text.empty() ? json::Value() : json::Value::String(text);
}

int64_t Restarts(const store::ContainerView& container) {
  if (container.state.has_value()) return container.state->restarts;
  return container.exit.has_value() ? container.exit->restarts : 0;
}

json::Value LabelsValue(const store::Record& record) {
  json::Value labels = json::Value::Object();
  for (const auto& [key, value] : record.labels) labels.Set(key, json::Value::String(value));
  return labels;
}

json::Value MountsValue(const store::Record& record) {
  json::Value mounts = json::Value::Array();
  for (const store::RecordMount& mount : record.mounts) {
    mounts.elements().push_back(
        json::Value::Object({{"source", json::Value::String(mount.source)},
                             {"destination", json::Value::String(mount.destination)}}));
  }
  return mounts;
}

// What a listing knows beyond the container itself.
void AddSurroundings(const store::ContainerView& container, const Look& look, json::Value* line) {
  const store::Record& record = container.record;
  const bool damaged = IsDamaged(container);
  line->Set("imageId", TextOrNull(record.image_id));
  line->Set("imageName",
            damaged ? json::Value() : TextOrNull(look.images->Shown(record, Width::kShort)));
  const bool failed = container.exit.has_value() && container.exit->error.has_value();
  line->Set("error", failed ? json::Value::String(container.exit->error->message) : json::Value());
  line->Set("health", TextOrNull(HealthText(container)));
  line->Set("network", json::Value::String(NetworkMode(record)));
  line->Set("exposed", json::Value::Strings(record.ports));
  line->Set("mounts", MountsValue(record));
  const bool sized = look.sizes && !damaged;
  const Sizes sizes = sized ? look.sizes(record) : Sizes();
  line->Set("size", sized ? json::Value::Number(sizes.written) : json::Value());
  line->Set("virtualSize", sized ? json::Value::Number(sizes.whole) : json::Value());
}

}  // namespace

const cli::Listing& PsListing(bool with_size) { return with_size ? kSizedListing : kListing; }

cli::TableRow Header(const Look& look) {
  cli::TableRow header = {"CONTAINER ID", "IMAGE", "COMMAND", "CREATED",
                          "STATUS",       "PORTS", "NAMES"};
  if (look.sizes) header.push_back("SIZE");
  return header;
}

cli::TableRow Row(const store::ContainerView& container, const Look& look) {
  cli::TableRow row;
  for (const char* field : {"ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"}) {
    row.push_back(base::Printable(TextOf(field, container, look), kNoLimit));
  }
  if (look.sizes) row.push_back(TextOf("Size", container, look));
  return row;
}

cli::Row FormatRow(const store::ContainerView& container, const Look& look,
                   const cli::Format& format, absl::string_view text) {
  cli::Row row;
  for (const cli::Field& field : kFields) {
    // Uses() does not know what a branch has that is not taken for an empty row.
    const bool shown =
        format.is_json() || format.Uses(field.name) || absl::StrContains(text, field.name);
    std::string value = shown ? TextOf(field.name, container, look) : "";
    if (format.is_table()) value = base::Printable(value, kNoLimit);
    row.fields.push_back(Value::String(value));
  }
  row.label = [&record = container.record](absl::string_view key) {
    const auto found = record.labels.find(std::string(key));
    return found == record.labels.end() ? std::string() : found->second;
  };
  return row;
}

json::Value JsonLine(const store::ContainerView& container, const Look& look) {
  const store::Record& record = container.record;
  const bool damaged = IsDamaged(container);
  const std::optional<int> code = ExitCode(container);
  const bool runs = container.state.has_value() && container.state->init.has_value();
  json::Value line;
  line.Set("id", json::Value::String(record.id));
  line.Set("name", json::Value::String(record.name));
  line.Set("image", json::Value::String(record.image));
  line.Set("imageDigest", TextOrNull(record.image_digest));
  line.Set("command", json::Value::Strings(record.command));
  line.Set("created", damaged ? json::Value() : TimeOrNull(record.created));
  line.Set("state", json::Value::String(StateText(container)));
  line.Set("status", json::Value::String(StatusText(container, look.now)));
  line.Set("exitCode", code.has_value() ? json::Value::Number(*code) : json::Value());
  line.Set("oom", json::Value::Bool(container.exit.has_value() && container.exit->oom));
  line.Set("pid", runs ? json::Value::Number(container.state->init->pid) : json::Value());
  line.Set("started", TimeOrNull(Started(container)));
  line.Set("finished", TimeOrNull(Finished(container)));
  line.Set("restarts", json::Value::Number(Restarts(container)));
  line.Set("rm", json::Value::Bool(record.rm));
  line.Set("labels", LabelsValue(record));
  line.Set("damage", container.damage.ok()
                         ? json::Value()
                         : json::Value::String(std::string(container.damage.message())));
  AddSurroundings(container, look, &line);
  return line;
}

}  // namespace stave::tools
