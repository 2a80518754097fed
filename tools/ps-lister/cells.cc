// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-lister/cells.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "libs/base/error.h"
#include "libs/base/id.h"
#include "libs/base/number.h"
#include "libs/cli/human_time.h"
#include "libs/cli/table.h"
#include "libs/store/health.h"
#include "tools/ps-lister/filter.h"
#include "tools/ps-lister/ports.h"

namespace stave::tools {
namespace {

constexpr size_t kCommandWidth = 20;
constexpr size_t kMountWidth = 15;
constexpr size_t kNoLimit = size_t{1} << 20;

std::string RestartingText(const store::ContainerView& container, absl::Time now) {
  const std::optional<int> code = ExitCode(container);
  return absl::StrCat("Restarting (", code ? absl::StrCat(*code) : "unknown", ") ",
                      AgeText(Finished(container).value_or(now), now));
}

std::string HealthSuffix(const store::ContainerView& container) {
  const std::string health = HealthText(container);
  if (health.empty()) return "";
  return absl::StrCat(health == "starting" ? " (health: " : " (", health, ")");
}

}  // namespace

std::string IdText(const store::ContainerView& container, Width width) {
  return width == Width::kWhole ? container.record.id
                                : container.record.id.substr(0, base::kShortIdLength);
}

std::string CommandText(const store::Record& record, Width width) {
  std::string command;
  for (const std::string& word : record.command) {
    const bool quoted = !command.empty() && absl::StrContains(word, " ");
    absl::StrAppend(&command, command.empty() ? "" : " ", quoted ? "'" : "", word,
                    quoted ? "'" : "");
  }
  if (width == Width::kShort) command = cli::Ellipsis(command, kCommandWidth);
  const std::string escaped = absl::StrReplaceAll(command, {{"\\", "\\\\"},
                                                            {"\"", "\\\""},
                                                            {"\n", "\\n"},
                                                            {"\t", "\\t"},
                                                            {"\r", "\\r"},
                                                            {"\a", "\\a"},
                                                            {"\b", "\\b"},
                                                            {"\f", "\\f"},
                                                            {"\v", "\\v"}});
  return absl::StrCat("\"", base::Printable(escaped, kNoLimit), "\"");
}

std::string AgeText(absl::Time then, absl::Time now) {
  return absl::StrCat(cli::HumanDuration(now - then), " ago");
}

std::string CreatedText(absl::Time created, absl::TimeZone zone) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S %z %Z", created, zone);
}

std::string StatusText(const store::ContainerView& container, absl::Time now) {
  if (IsDamaged(container)) return "Dead";
  switch (container.status) {
    case store::Status::kCreated:
      return "Created";
    case store::Status::kRunning:
      return absl::StrCat("Up ", cli::HumanDuration(now - Started(container).value_or(now)),
                          container.marked_paused ? " (Paused)" : HealthSuffix(container));
    case store::Status::kRestarting:
      return RestartingText(container, now);
    case store::Status::kExited:
      break;
  }
  const std::optional<int> code = ExitCode(container);
  std::string text = absl::StrCat("Exited (", code ? absl::StrCat(*code) : "unknown", ")");
  if (const auto finished = Finished(container)) {
    absl::StrAppend(&text, " ", AgeText(*finished, now));
  }
  return text;
}

std::string PortsCell(const store::ContainerView& container) {
  const store::Record& record = container.record;
  const bool usual = record.network.empty();  // Docker shows none of other networks
  if (record.ports.empty() || container.status != store::Status::kRunning || !usual) return "";
  return PortsText(PortsOf(record.ports));
}

std::string HealthText(const store::ContainerView& container) {
  return container.health.has_value() ? store::WellnessName(*container.health) : "";
}

std::string LabelsText(const store::Record& record) {
  return absl::StrJoin(record.labels, ",", absl::PairFormatter("="));
}

std::string MountsText(const store::Record& record, Width width) {
  std::vector<std::string> sources;
  for (const store::RecordMount& mount : record.mounts) {
    sources.push_back(width == Width::kWhole ? mount.source
                                             : cli::Ellipsis(mount.source, kMountWidth));
  }
  return absl::StrJoin(sources, ",");
}

std::string NetworkMode(const store::Record& record) {
  return record.network.empty() ? "none" : record.network;
}

std::string NetworksText(const store::Record& record) {
  return absl::StartsWith(record.network, "container:") ? "" : NetworkMode(record);
}

std::string SizeText(const Sizes& sizes) {
  const std::string written = base::FormatSizeDecimal(sizes.written);
  if (sizes.whole <= 0) return written;
  return absl::StrCat(written, " (virtual ", base::FormatSizeDecimal(sizes.whole), ")");
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

std::optional<int> ExitCode(const store::ContainerView& container) {
  if (container.status == store::Status::kRestarting && container.state.has_value()) {
    return container.state->last_code;
  }
  return container.exit.has_value() ? container.exit->code : std::nullopt;
}

}  // namespace stave::tools
