// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-lister/rows.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/id.h"
#include "libs/cli/human_time.h"
#include "libs/store/record.h"

namespace stave::tools {
namespace {

constexpr size_t kCommandWidth = 20;
constexpr size_t kNoLimit = size_t{1} << 20;

bool IsDamaged(const store::ContainerView& container) {
  return container.record.name.empty() && !container.damage.ok();
}

std::string Ago(absl::Time then, absl::Time now) {
  return absl::StrCat(cli::HumanDuration(now - then), " ago");
}

// As people write it: "alpine", not "docker.io/library/alpine:latest". A path stays a path.
std::string ImageText(const store::Record& record) {
  absl::string_view image = record.image;
  if (!record.image_digest.empty()) {
    if (absl::ConsumePrefix(&image, "docker.io/")) absl::ConsumePrefix(&image, "library/");
    absl::ConsumeSuffix(&image, ":latest");
  }
  return base::Printable(image, kNoLimit);
}

std::string CommandText(const store::Record& record, Width width) {
  std::string command = absl::StrJoin(record.command, " ");
  if (width == Width::kShort) command = cli::Ellipsis(command, kCommandWidth);
  const std::string quoted = absl::StrReplaceAll(command, {{"\\", "\\\\"}, {"\"", "\\\""}});
  return absl::StrCat("\"", base::Printable(quoted, kNoLimit), "\"");
}

json::Value TimeOrNull(const std::optional<absl::Time>& time) {
  return time.has_value() ? json::Value::String(store::FormatTimestamp(*time)) : json::Value();
}

std::optional<absl::Time> Started(const store::ContainerView& container) {
  if (container.exit.has_value() && container.exit->started.has_value()) {
    return container.exit->started;
  }
  return container.state.has_value() ? container.state->started : std::nullopt;
}

std::optional<absl::Time> Finished(const store::ContainerView& container) {
  const bool ended =
      container.status == store::Status::kExited || container.status == store::Status::kRestarting;
  if (!ended) return std::nullopt;
  if (container.exit.has_value() && container.exit->finished.has_value()) {
    return container.exit->finished;
  }
  return container.state.has_value() ? container.state->finished : std::nullopt;
}

std::string RestartingText(const store::ContainerView& container, absl::Time now) {
  std::string code = "unknown";
  if (container.state.has_value() && container.state->last_code.has_value()) {
    code = absl::StrCat(*container.state->last_code);
  }
  return absl::StrCat("Restarting (", code, ") ", Ago(Finished(container).value_or(now), now));
}

std::string HealthText(const store::ContainerView& container) {
  if (!container.health.has_value()) return "";
  const bool starting = *container.health == store::Wellness::kStarting;
  return absl::StrCat(starting ? " (health: " : " (", store::WellnessName(*container.health), ")");
}

const char* StateText(const store::ContainerView& container) {
  if (IsDamaged(container)) return "dead";
  return container.marked_paused ? "paused" : store::StatusName(container.status);
}

std::optional<int> CodeOf(const store::ContainerView& container) {
  if (container.status == store::Status::kRestarting && container.state.has_value()) {
    return container.state->last_code;
  }
  return container.exit.has_value() ? container.exit->code : std::nullopt;
}

}  // namespace

cli::TableRow Header() {
  return {"CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"};
}

std::string IdText(const store::ContainerView& container, Width width) {
  return width == Width::kWhole ? container.record.id
                                : container.record.id.substr(0, base::kShortIdLength);
}

std::string StatusText(const store::ContainerView& container, absl::Time now) {
  if (IsDamaged(container)) return "Dead";
  switch (container.status) {
    case store::Status::kCreated:
      return "Created";
    case store::Status::kRunning:
      return absl::StrCat("Up ", cli::HumanDuration(now - Started(container).value_or(now)),
                          container.marked_paused ? " (Paused)" : HealthText(container));
    case store::Status::kRestarting:
      return RestartingText(container, now);
    case store::Status::kExited:
      break;
  }
  const bool known = container.exit.has_value() && container.exit->code.has_value();
  std::string text =
      absl::StrCat("Exited (", known ? absl::StrCat(*container.exit->code) : "unknown", ")");
  if (const auto finished = Finished(container)) absl::StrAppend(&text, " ", Ago(*finished, now));
  return text;
}

cli::TableRow Row(const store::ContainerView& container, absl::Time now, Width width) {
  const store::Record& record = container.record;
  if (IsDamaged(container)) {
    return {IdText(container, width), "", "", "", StatusText(container, now), "", ""};
  }
  return {IdText(container, width),
          ImageText(record),
          CommandText(record, width),
          Ago(record.created, now),
          StatusText(container, now),
          "",
          base::Printable(record.name, kNoLimit)};
}

json::Value JsonLine(const store::ContainerView& container, absl::Time now) {
  const store::Record& record = container.record;
  const bool damaged = IsDamaged(container);
  const std::optional<int> code = CodeOf(container);
  const bool runs = container.state.has_value() && container.state->init.has_value();
  json::Value line;
  line.Set("id", json::Value::String(record.id));
  line.Set("name", json::Value::String(record.name));
  line.Set("image", json::Value::String(record.image));
  line.Set("imageDigest",
           record.image_digest.empty() ? json::Value() : json::Value::String(record.image_digest));
  line.Set("command", json::Value::Strings(record.command));
  line.Set("created", damaged ? json::Value() : TimeOrNull(record.created));
  line.Set("state", json::Value::String(StateText(container)));
  line.Set("status", json::Value::String(StatusText(container, now)));
  line.Set("exitCode", code.has_value() ? json::Value::Number(*code) : json::Value());
  line.Set("oom", json::Value::Bool(container.exit.has_value() && container.exit->oom));
  line.Set("pid", runs ? json::Value::Number(container.state->init->pid) : json::Value());
  line.Set("started", TimeOrNull(Started(container)));
  line.Set("finished", TimeOrNull(Finished(container)));
  line.Set("restarts", json::Value::Number(container.state.has_value()  ? container.state->restarts
                                           : container.exit.has_value() ? container.exit->restarts
                                                                        : 0));
  line.Set("rm", json::Value::Bool(record.rm));
  json::Value labels = json::Value::Object();
  for (const auto& [key, value] : record.labels) labels.Set(key, json::Value::String(value));
  line.Set("labels", std::move(labels));
  line.Set("damage", container.damage.ok()
                         ? json::Value()
                         : json::Value::String(std::string(container.damage.message())));
  return line;
}

}  // namespace stave::tools
