// SPDX-License-Identifier: Apache-2.0
//
// ps-lister: lists containers. It takes no lock and repairs nothing; what it shows is computed from
// what is true now. With --events: what happens to them.
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gflags/gflags.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cli/moment.h"
#include "libs/cli/program.h"
#include "libs/cli/table.h"
#include "libs/json/parse.h"
#include "libs/runtime/pause.h"
#include "libs/store/containers.h"
#include "libs/store/store.h"
#include "tools/ps-lister/events.h"
#include "tools/ps-lister/rows.h"

DEFINE_bool(all, false, "");
DEFINE_bool(events, false, "");
DEFINE_bool(json, false, "");
DEFINE_bool(no_trunc, false, "");
DEFINE_bool(quiet, false, "");

namespace stave {
namespace {

constexpr cli::Option kOptions[] = {
    {"all", 'a', cli::Takes::kNothing, "", "list containers that do not run, too"},
    {"json", 0, cli::Takes::kNothing, "", "print one JSON object a line, a stable interface"},
    {"no-trunc", 0, cli::Takes::kNothing, "", "print ids and commands whole"},
    {"quiet", 'q', cli::Takes::kNothing, "", "print ids only"},
    {"events", 0, cli::Takes::kNothing, "",
     "print what happens to containers, as it happens, a JSON object a line", "Events"},
    {"since", 0, cli::Takes::kValue, "TIME",
     "with --events: also what has happened since a moment, or for so long, such as 10m", "Events"},
    {"until", 0, cli::Takes::kValue, "TIME", "with --events: and no longer than until then",
     "Events"},
};

constexpr cli::Program kProgram = {
    .name = "ps-lister",
    .purpose = "list containers",
    .synopsis =
        "[OPTION...]\n"
        "--events [--since TIME] [--until TIME]",
    .options = kOptions,
};

std::string Text(const std::vector<store::ContainerView>& containers) {
  const absl::Time now = absl::Now();
  const tools::Width width = FLAGS_no_trunc ? tools::Width::kWhole : tools::Width::kShort;
  std::string text;
  std::vector<cli::TableRow> rows;
  for (const store::ContainerView& container : containers) {
    if (FLAGS_json) {
      absl::StrAppend(&text, json::Print(tools::JsonLine(container, now)), "\n");
    } else if (FLAGS_quiet) {
      absl::StrAppend(&text, tools::IdText(container, width), "\n");
    } else {
      rows.push_back(tools::Row(container, now, width));
    }
  }
  return FLAGS_json || FLAGS_quiet ? text : cli::FormatTable(tools::Header(), rows);
}

absl::StatusOr<std::optional<absl::Time>> Moment(const cli::Invocation& invocation,
                                                 const char* option) {
  if (!invocation.Has(option)) return std::optional<absl::Time>();
  const auto moment = cli::ParseMoment(invocation.Get(option), absl::Now(), absl::LocalTimeZone());
  if (!moment.ok()) return cli::BadValue(option, moment.status());
  return std::optional<absl::Time>(*moment);
}

absl::StatusOr<int> ShowEvents(const cli::Invocation& invocation) {
  if (FLAGS_all || FLAGS_json || FLAGS_no_trunc || FLAGS_quiet) {
    return cli::UsageError("--events: with --since and --until only");
  }
  tools::Period period;
  STAVE_ASSIGN_OR_RETURN(period.since, Moment(invocation, "since"));
  STAVE_ASSIGN_OR_RETURN(period.until, Moment(invocation, "until"));
  // There must be a folder to watch before anything has happened.
  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kWrite));
  STAVE_RETURN_IF_ERROR(tools::PrintEvents(store, period));
  return 0;
}

// What the store cannot know: whether one that is marked as paused is frozen.
void AskFreezers(std::vector<store::ContainerView>* containers) {
  for (store::ContainerView& container : *containers) {
    if (container.marked_paused) container.marked_paused = runtime::IsPaused(container);
  }
}

absl::StatusOr<int> Run(const cli::Invocation& invocation) {
  if (!invocation.operands().empty()) {
    return cli::UsageError(
        absl::StrCat("\"", base::Printable(invocation.operands()[0]), "\": no operand is wanted"));
  }
  for (const char* option : {"since", "until"}) {
    if (!FLAGS_events && invocation.Has(option)) {
      return cli::UsageError(absl::StrCat("--", option, ": needs --events"));
    }
  }
  if (FLAGS_events) return ShowEvents(invocation);
  if (FLAGS_json && FLAGS_quiet) return cli::UsageError("--json and --quiet exclude each other");

  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kRead));
  STAVE_ASSIGN_OR_RETURN(
      std::vector<store::ContainerView> containers,
      store::ListContainers(store, FLAGS_all ? store::Which::kAll : store::Which::kRunning));
  AskFreezers(&containers);
  STAVE_RETURN_IF_ERROR(base::WriteAll(STDOUT_FILENO, Text(containers), "stdout"));
  for (const store::ContainerView& container : containers) {
    if (!container.damage.ok()) cli::PrintWarning(kProgram, container.damage.message());
  }
  return 0;
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}
