// SPDX-License-Identifier: Apache-2.0
//
// ps-stat: what containers use, and which processes are in one.
#include <time.h>
#include <unistd.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "gflags/gflags.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/cgroup.h"
#include "libs/cli/format.h"
#include "libs/cli/program.h"
#include "libs/cli/table.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"
#include "libs/runtime/container_group.h"
#include "libs/store/containers.h"
#include "libs/store/store.h"
#include "tools/ps-stat/processes.h"
#include "tools/ps-stat/rows.h"
#include "tools/ps-stat/sample.h"

DEFINE_bool(all, false, "");
DEFINE_string(format, "", "");
DEFINE_bool(json, false, "");
DEFINE_bool(no_trunc, false, "");
DEFINE_bool(once, false, "");
DEFINE_bool(top, false, "");

namespace stave {
namespace {

constexpr cli::Option kOptions[] = {
    {"all", 'a', cli::Takes::kNothing, "", "show containers that do not run, too"},
    {"once", 0, cli::Takes::kNothing, "", "show them once, also on a terminal"},
    {"interval", 'i', cli::Takes::kValue, "SECONDS",
     "show them again and again, so often; on a terminal every second"},
    {"format", 0, cli::Takes::kValue, "FORMAT",
     "print `table TEMPLATE`, json, or what a Go template gives for each"},
    {"json", 0, cli::Takes::kNothing, "", "print one JSON object a line, a stable interface"},
    {"no-trunc", 0, cli::Takes::kNothing, "", "print ids whole"},
    {"top", 0, cli::Takes::kNothing, "", "list the processes of one container, as ps -ef does"},
    {"columns", 'o', cli::Takes::kValue, "LIST",
     "with --top: the columns, by their names in ps(1), such as pid,user,etime,args"},
};

constexpr cli::Program kProgram = {
    .name = "ps-stat",
    .purpose = "show what containers use, or the processes of one",
    .synopsis =
        "[OPTION...] [CONTAINER...]\n"
        "--top [-o LIST] [--json] CONTAINER",
    .options = kOptions,
};

constexpr absl::Duration kUsualInterval = absl::Seconds(1);
constexpr char kHome[] = "\x1b[H";        // of the cursor
constexpr char kClearLine[] = "\x1b[K";   // what follows it in the line
constexpr char kClearBelow[] = "\x1b[J";  // and below it

absl::Status Print(const std::string& text) {
  return base::WriteAll(STDOUT_FILENO, text, "stdout");
}

void Sleep(absl::Duration duration) {
  timespec left = absl::ToTimespec(duration);
  while (::clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) != 0) {
  }
}

// --- what they use
// ---------------------------------------------------------------------------------

// The named ones, or all that are to be shown.
absl::StatusOr<std::vector<store::ContainerView>> Chosen(const store::Store& store,
                                                         const std::vector<std::string>& ids) {
  if (ids.empty()) {
    return store::ListContainers(store, FLAGS_all ? store::Which::kAll : store::Which::kRunning);
  }
  std::vector<store::ContainerView> views;
  for (const std::string& id : ids) {
    auto view = store::GetContainer(store, id);
    if (view.ok()) views.push_back(*std::move(view));  // else it has been removed since
  }
  return views;
}

using Samples = std::map<std::string, tools::Sample>;  // by id

Samples TakeSamples(const std::vector<store::ContainerView>& views, int64_t machine_memory) {
  Samples samples;
  for (const store::ContainerView& view : views) {
    if (view.status != store::Status::kRunning) continue;
    const auto sample = tools::TakeSample(view, machine_memory);
    if (sample.ok()) samples.emplace(view.record.id, *sample);
  }
  return samples;
}

using Called = std::map<std::string, std::string>;  // what the user called each id

absl::StatusOr<std::string> Text(const std::vector<store::ContainerView>& views,
                                 const Samples& before, const Samples& now, const Called& called,
                                 int64_t machine_memory) {
  const tools::Width width = FLAGS_no_trunc ? tools::Width::kWhole : tools::Width::kShort;
  STAVE_ASSIGN_OR_RETURN(cli::Format format,
                         cli::Format::Parse(FLAGS_format, tools::StatListing()));
  std::string lines;
  for (const store::ContainerView& view : views) {
    const std::string& id = view.record.id;
    tools::Use use;
    use.record = view.record;
    if (const auto found = before.find(id); found != before.end()) use.before = found->second;
    if (const auto found = now.find(id); found != now.end()) use.now = found->second;
    if (FLAGS_json) {
      absl::StrAppend(&lines, json::Print(tools::JsonLine(use, machine_memory)), "\n");
      continue;
    }
    const auto name = called.find(id);
    STAVE_RETURN_IF_ERROR(format.Add(
        tools::FormatRow(use, name == called.end() ? id : name->second, machine_memory, width)));
  }
  return FLAGS_json ? lines : format.Finish();
}

absl::StatusOr<int> ShowUse(const store::Store& store, const std::vector<std::string>& names,
                            std::optional<absl::Duration> interval) {
  std::vector<std::string> ids;
  Called called;
  store::ContainerFinder finder(store);
  for (const std::string& name : names) {
    STAVE_ASSIGN_OR_RETURN(ids.emplace_back(), finder.Find(name));
    called.emplace(ids.back(), name);
  }
  const bool redraws = !FLAGS_json && ::isatty(STDOUT_FILENO) == 1;
  const int64_t machine_memory = tools::MachineMemory();
  STAVE_ASSIGN_OR_RETURN(std::vector<store::ContainerView> views, Chosen(store, ids));
  Samples before = TakeSamples(views, machine_memory);
  for (bool first = true; first || interval.has_value(); first = false) {
    // A share of time needs two moments.
    Sleep(interval.value_or(kUsualInterval));
    STAVE_ASSIGN_OR_RETURN(views, Chosen(store, ids));
    Samples now = TakeSamples(views, machine_memory);
    STAVE_ASSIGN_OR_RETURN(std::string text, Text(views, before, now, called, machine_memory));
    if (redraws && interval.has_value()) {
      text = absl::StrCat(
          kHome, absl::StrReplaceAll(text, {{"\n", absl::StrCat(kClearLine, "\n")}}), kClearBelow);
    }
    STAVE_RETURN_IF_ERROR(Print(text));
    before = std::move(now);
  }
  return 0;
}

// --- its processes
// ---------------------------------------------------------------------------------

std::string JsonOf(const cli::TableRow& row, const std::vector<std::string>& columns) {
  json::Value line = json::Value::Object();
  for (size_t i = 0; i < columns.size(); ++i) line.Set(columns[i], json::Value::String(row[i]));
  return json::Print(line) + "\n";
}

absl::StatusOr<cgroup::Cgroup> OpenCgroup(const store::Store& store, const std::string& id) {
  const absl::Status stopped = base::Error(absl::StatusCode::kFailedPrecondition, "E_NOT_RUNNING",
                                           absl::StrCat("container ", id, " is not running"));
  STAVE_ASSIGN_OR_RETURN(const store::ContainerView view, store::GetContainer(store, id));
  if (view.status != store::Status::kRunning) return stopped;
  auto group = runtime::OpenCgroupOf(view);
  if (!absl::IsNotFound(group.status())) return group;
  // It may have ended since, or its watcher may be about to tell so.
  STAVE_ASSIGN_OR_RETURN(const store::ContainerView now, store::GetContainer(store, id));
  const bool runs = now.status == store::Status::kRunning && now.state && now.state->init;
  if (!runs) return stopped;
  return group;
}

absl::StatusOr<int> ShowProcesses(const store::Store& store, const std::string& name,
                                  const std::vector<std::string>& columns) {
  STAVE_ASSIGN_OR_RETURN(const std::string id, store::FindContainer(store, name));
  const auto group = OpenCgroup(store, id);
  if (!group.ok()) return store::TellRemoval(store, id, name, group.status());
  const tools::Machine machine = tools::ReadMachine();
  std::vector<cli::TableRow> rows;
  std::string lines;
  for (const pid_t pid : group->Processes()) {
    const auto process = tools::ReadProcess(pid);
    if (!process.ok()) continue;  // it has ended since
    cli::TableRow row = tools::ProcessRow(columns, *process, machine);
    if (FLAGS_json) lines += JsonOf(row, columns);
    rows.push_back(std::move(row));
  }
  STAVE_RETURN_IF_ERROR(Print(
      FLAGS_json ? lines : cli::FormatTable(tools::ProcessHeader(columns), rows, cli::kTopColumn)));
  return 0;
}

absl::Status CheckUsage(const cli::Invocation& given) {
  if (!FLAGS_top && given.Has("columns")) return cli::UsageError("--columns: needs --top");
  if (FLAGS_json && given.Has("format")) {
    return cli::UsageError("--json and --format exclude each other");
  }
  if (!FLAGS_top) return absl::OkStatus();
  for (const char* option : {"all", "format", "once", "interval", "no-trunc"}) {
    if (given.Has(option)) return cli::UsageError(absl::StrCat("--", option, ": not with --top"));
  }
  if (given.operands().size() != 1) return cli::UsageError("--top: one CONTAINER is wanted");
  return absl::OkStatus();
}

absl::StatusOr<std::optional<absl::Duration>> ReadInterval(const cli::Invocation& given) {
  if (FLAGS_once && given.Has("interval")) {
    return cli::UsageError("--once and --interval: only one of them");
  }
  if (given.Has("interval")) {
    const auto interval = base::ParseDuration(given.Get("interval"));
    if (!interval.ok()) return cli::BadValue("interval", interval.status());
    if (*interval < absl::Milliseconds(10) || *interval > absl::Hours(24)) {
      return cli::UsageError("--interval: is not within 0.01s and 24h");
    }
    return std::optional<absl::Duration>(*interval);
  }
  const bool shown = !FLAGS_json && ::isatty(STDOUT_FILENO) == 1;
  return shown && !FLAGS_once ? std::optional<absl::Duration>(kUsualInterval) : std::nullopt;
}

absl::StatusOr<int> Run(const cli::Invocation& given) {
  STAVE_RETURN_IF_ERROR(CheckUsage(given));
  std::vector<std::string> columns = tools::UsualColumns();
  if (given.Has("columns")) {
    auto parsed = tools::ParseColumns(given.Get("columns"));
    if (!parsed.ok()) return cli::BadValue("columns", parsed.status());
    columns = *std::move(parsed);
  }
  STAVE_ASSIGN_OR_RETURN(const std::optional<absl::Duration> interval, ReadInterval(given));
  STAVE_RETURN_IF_ERROR(cli::Format::Parse(FLAGS_format, tools::StatListing()).status());
  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kRead));
  if (FLAGS_top) return ShowProcesses(store, given.operands()[0], columns);
  return ShowUse(store, given.operands(), interval);
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}
