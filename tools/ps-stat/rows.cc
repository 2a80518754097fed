// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-stat/rows.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "libs/base/error.h"
#include "libs/base/id.h"
#include "libs/base/number.h"
#include "libs/template/value.h"

namespace stave::tools {
namespace {

constexpr char kNone[] = "--";

std::optional<double> MemoryPercent(const Use& use, int64_t machine_memory) {
  if (!use.now.has_value()) return std::nullopt;
  const int64_t limit = use.now->memory_limit.value_or(machine_memory);
  if (limit <= 0) return std::nullopt;
  return 100.0 * static_cast<double>(use.now->memory) / static_cast<double>(limit);
}

std::string PercentText(const std::optional<double>& percent) {
  return percent.has_value() ? absl::StrFormat("%.2f%%", *percent) : kNone;
}

std::string Pair(const std::string& a, const std::string& b) { return absl::StrCat(a, " / ", b); }

json::Value NumberOrNull(const std::optional<int64_t>& number) {
  return number.has_value() ? json::Value::Number(*number) : json::Value();
}

json::Value FractionOrNull(const std::optional<double>& number) {
  return number.has_value() ? json::Value::NumberText(absl::StrFormat("%.2f", *number))
                            : json::Value();
}

}  // namespace

std::optional<double> CpuPercent(const Use& use) {
  if (!use.before.has_value() || !use.now.has_value()) return std::nullopt;
  const absl::Duration wall = use.now->at - use.before->at;
  if (wall <= absl::ZeroDuration()) return std::nullopt;
  const absl::Duration cpu = std::max(use.now->cpu - use.before->cpu, absl::ZeroDuration());
  return 100.0 * absl::FDivDuration(cpu, wall);
}

const cli::Listing& StatListing() {
  static constexpr cli::Field kFields[] = {
      {"Container", "CONTAINER"},
      {"ID", "CONTAINER ID"},
      {"Name", "NAME"},
      {"CPUPerc", "CPU %"},
      {"MemUsage", "MEM USAGE / LIMIT"},
      {"MemPerc", "MEM %"},
      {"NetIO", "NET I/O"},
      {"BlockIO", "BLOCK I/O"},
      {"PIDs", "PIDS"},
  };
  static constexpr cli::Listing kListing = {
      .type = "*container.statsContext",
      .fields = kFields,
      .table =
          "table {{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t"
          "{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}",
      .parse_error = "failed to parse template",
      .execute_error = "failed to execute template"};
  return kListing;
}

cli::Row FormatRow(const Use& use, const std::string& called, int64_t machine_memory, Width width) {
  cli::Row row;
  row.fields.push_back(templates::Value::String(called));
  for (const std::string& cell : Row(use, machine_memory, width)) {
    row.fields.push_back(templates::Value::String(cell));
  }
  return row;
}

cli::TableRow Header() {
  return {"CONTAINER ID", "NAME",    "CPU %",     "MEM USAGE / LIMIT",
          "MEM %",        "NET I/O", "BLOCK I/O", "PIDS"};
}

cli::TableRow Row(const Use& use, int64_t machine_memory, Width width) {
  const std::string id =
      width == Width::kWhole ? use.record.id : use.record.id.substr(0, base::kShortIdLength);
  const std::string name = base::Printable(use.record.name);
  if (!use.now.has_value()) {
    const std::string none = Pair("0B", "0B");
    return {id, name, "0.00%", none, "0.00%", none, none, "0"};
  }
  const Sample& now = *use.now;
  const bool has_network = now.received.has_value() && now.sent.has_value();
  return {id,
          name,
          PercentText(CpuPercent(use)),
          Pair(base::FormatSizeBinary(now.memory),
               base::FormatSizeBinary(now.memory_limit.value_or(machine_memory))),
          PercentText(MemoryPercent(use, machine_memory)),
          has_network
              ? Pair(base::FormatSizeDecimal(*now.received), base::FormatSizeDecimal(*now.sent))
              : Pair(kNone, kNone),
          Pair(base::FormatSizeDecimal(now.read), base::FormatSizeDecimal(now.written)),
          absl::StrCat(now.pids)};
}

json::Value JsonLine(const Use& use, int64_t machine_memory) {
  const bool runs = use.now.has_value();
  const Sample now = use.now.value_or(Sample());
  const auto number = [&](int64_t value) {
    return runs ? json::Value::Number(value) : json::Value();
  };
  json::Value line;
  line.Set("id", json::Value::String(use.record.id));
  line.Set("name", json::Value::String(use.record.name));
  line.Set("cpuPercent", FractionOrNull(CpuPercent(use)));
  line.Set("cpuSeconds",
           runs ? json::Value::NumberText(absl::StrFormat("%.6f", absl::ToDoubleSeconds(now.cpu)))
                : json::Value());
  line.Set("memory", number(now.memory));
  line.Set("memoryLimit", NumberOrNull(now.memory_limit));
  line.Set("memoryPercent", FractionOrNull(MemoryPercent(use, machine_memory)));
  line.Set("received", NumberOrNull(now.received));
  line.Set("sent", NumberOrNull(now.sent));
  line.Set("read", number(now.read));
  line.Set("written", number(now.written));
  line.Set("pids", number(now.pids));
  line.Set("pidsLimit", NumberOrNull(now.pids_limit));
  return line;
}

}  // namespace stave::tools
