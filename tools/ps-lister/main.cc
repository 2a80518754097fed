// SPDX-License-Identifier: Apache-2.0
//
// ps-lister: lists and inspects containers. It takes no lock and repairs nothing; what it shows is
// computed from what is true now. With --events: what happens to them.
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gflags/gflags.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cli/format.h"
#include "libs/cli/moment.h"
#include "libs/cli/program.h"
#include "libs/store/store.h"
#include "tools/ps-lister/events.h"
#include "tools/ps-lister/filter.h"
#include "tools/ps-lister/list.h"
#include "tools/ps-lister/rows.h"
#include "tools/ps-lister/show.h"

DEFINE_bool(all, false, "");
DEFINE_bool(events, false, "");
DEFINE_string(format, "", "");
DEFINE_bool(inspect, false, "");
DEFINE_bool(json, false, "");
DEFINE_string(last, "", "");
DEFINE_bool(latest, false, "");
DEFINE_bool(lines, false, "");
DEFINE_bool(no_trunc, false, "");
DEFINE_bool(or_image, false, "");
DEFINE_bool(quiet, false, "");
DEFINE_bool(size, false, "");

namespace stave {
namespace {

constexpr cli::Option kOptions[] = {
    {"all", 'a', cli::Takes::kNothing, "", "list containers that do not run, too"},
    {"filter", 'f', cli::Takes::kList, "KEY=VALUE",
     "show only those that it takes, see FILTERS; may be repeated"},
    {"last", 'n', cli::Takes::kValue, "N",
     "list the N that were made last, whether they run or not"},
    {"latest", 'l', cli::Takes::kNothing, "", "list the one that was made last"},
    {"size", 's', cli::Takes::kNothing, "", "show how much they have written"},
    {"format", 0, cli::Takes::kValue, "FORMAT",
     "print `table TEMPLATE`, json, or what a Go template gives for each, see FORMATS"},
    {"json", 0, cli::Takes::kNothing, "", "print one JSON object a line, a stable interface"},
    {"no-trunc", 0, cli::Takes::kNothing, "", "print ids and commands whole"},
    {"quiet", 'q', cli::Takes::kNothing, "", "print ids only"},
    {"inspect", 0, cli::Takes::kNothing, "",
     "print all that is known of the CONTAINERs that are named, as JSON", "Inspect"},
    {"or-image", 0, cli::Takes::kNothing, "",
     "with --inspect: take what is no container for an image", "Inspect"},
    {"events", 0, cli::Takes::kNothing, "",
     "print what happens to containers, as it happens, a JSON object a line", "Events"},
    {"since", 0, cli::Takes::kValue, "TIME",
     "with --events: also what has happened since a moment, or for so long, such as 10m", "Events"},
    {"until", 0, cli::Takes::kValue, "TIME", "with --events: and no longer than until then",
     "Events"},
    {"lines", 0, cli::Takes::kNothing, "", "with --events: print text, as docker events does",
     "Events"},
};

constexpr cli::Program kProgram = {
    .name = "ps-lister",
    .purpose = "list containers",
    .synopsis =
        "[OPTION...]\n"
        "--inspect [--or-image] [-s] [--format FORMAT] CONTAINER...\n"
        "--events [--since TIME] [--until TIME] [-f FILTER] [--lines]",
    .options = kOptions,
};

// Options that go with one of the three acts only.
struct Belongs {
  const char* option;
  bool list, inspect, events;
};
constexpr Belongs kBelongs[] = {
    {"all", true, false, false},      {"filter", true, false, true},
    {"last", true, false, false},     {"latest", true, false, false},
    {"size", true, true, false},      {"json", true, true, false},
    {"no-trunc", true, false, false}, {"quiet", true, false, false},
    {"or-image", false, true, false}, {"since", false, false, true},
    {"until", false, false, true},    {"lines", false, false, true},
};

absl::Status Print(const std::string& text) {
  return base::WriteAll(STDOUT_FILENO, text, "stdout");
}

absl::Status Exclude(const cli::Invocation& given, const char* a, const char* b) {
  if (!given.Has(a) || !given.Has(b)) return absl::OkStatus();
  return cli::UsageError(absl::StrCat("--", a, " and --", b, " exclude each other"));
}

absl::Status CheckUsage(const cli::Invocation& given) {
  STAVE_RETURN_IF_ERROR(Exclude(given, "inspect", "events"));
  for (const Belongs& one : kBelongs) {
    if (!given.Has(one.option)) continue;
    if (FLAGS_inspect && !one.inspect) {
      return cli::UsageError(absl::StrCat("--", one.option, ": not with --inspect"));
    }
    if (FLAGS_events && !one.events) {
      return cli::UsageError(absl::StrCat("--events: not with --", one.option));
    }
    if (!FLAGS_inspect && !FLAGS_events && !one.list) {
      return cli::UsageError(
          absl::StrCat("--", one.option, ": needs --", one.inspect ? "inspect" : "events"));
    }
  }
  STAVE_RETURN_IF_ERROR(Exclude(given, "json", "quiet"));
  STAVE_RETURN_IF_ERROR(Exclude(given, "json", "format"));
  STAVE_RETURN_IF_ERROR(Exclude(given, "lines", "format"));
  if (FLAGS_inspect) {
    return given.operands().empty() ? cli::UsageError("at least one CONTAINER is wanted")
                                    : absl::OkStatus();
  }
  if (given.operands().empty()) return absl::OkStatus();
  return cli::UsageError(absl::StrCat(base::Quoted(given.operands()[0]), ": no operand is wanted"));
}

// --- the list ----------------------------------------------------------------------------------

absl::StatusOr<size_t> Last(const cli::Invocation& given) {
  if (!given.Has("last")) return FLAGS_latest ? 1 : 0;
  const auto last = base::ParseInt(FLAGS_last, -1, int64_t{1} << 31);
  if (!last.ok()) return cli::BadValue("last", last.status());
  return *last > 0 ? static_cast<size_t>(*last) : 0;
}

absl::StatusOr<tools::ListWishes> ReadListWishes(const cli::Invocation& given) {
  tools::ListWishes wishes;
  wishes.all = FLAGS_all;
  wishes.sizes = FLAGS_size;
  wishes.quiet = FLAGS_quiet;
  wishes.json = FLAGS_json;
  wishes.width = FLAGS_no_trunc ? tools::Width::kWhole : tools::Width::kShort;
  STAVE_ASSIGN_OR_RETURN(wishes.last, Last(given));
  auto filter = tools::PsFilter::Parse(given.List("filter"));
  if (!filter.ok()) return cli::BadValue("filter", filter.status());
  wishes.filter = *std::move(filter);
  if (!given.Has("format")) return wishes;
  wishes.format_text = FLAGS_format;
  STAVE_ASSIGN_OR_RETURN(wishes.format,
                         cli::Format::Parse(FLAGS_format, tools::PsListing(FLAGS_size)));
  if (wishes.format->Uses("Size") && !wishes.format->is_json()) wishes.sizes = true;
  return wishes;
}

absl::StatusOr<int> ShowList(const cli::Invocation& given) {
  STAVE_ASSIGN_OR_RETURN(tools::ListWishes wishes, ReadListWishes(given));
  if (wishes.quiet && wishes.format && FLAGS_format != "table" && FLAGS_format != "raw") {
    cli::PrintWarning(kProgram, "--format is not looked at: --quiet prints ids");
  }
  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kRead));
  STAVE_ASSIGN_OR_RETURN(const tools::ListText list,
                         tools::ListContainers(store, std::move(wishes)));
  STAVE_RETURN_IF_ERROR(Print(list.text));
  for (const absl::Status& damage : list.damage) cli::PrintWarning(kProgram, damage.message());
  return 0;
}

// --- one by one --------------------------------------------------------------------------------

absl::StatusOr<int> ShowThem(const cli::Invocation& given) {
  const tools::ShowWishes wishes{FLAGS_format, FLAGS_json, FLAGS_size, FLAGS_or_image};
  STAVE_RETURN_IF_ERROR(tools::CheckShowFormat(wishes.format));
  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kRead));
  STAVE_ASSIGN_OR_RETURN(const tools::ShowText shown, tools::Show(store, given.operands(), wishes));
  STAVE_RETURN_IF_ERROR(Print(shown.text));
  for (const absl::Status& error : shown.errors) cli::PrintError(kProgram, error);
  return shown.errors.empty() ? 0 : 1;
}

// --- events ------------------------------------------------------------------------------------

absl::StatusOr<std::optional<absl::Time>> Moment(const cli::Invocation& given, const char* option) {
  if (!given.Has(option)) return std::optional<absl::Time>();
  const auto moment = cli::ParseMoment(given.Get(option), absl::Now(), absl::LocalTimeZone());
  if (!moment.ok()) return cli::BadValue(option, moment.status());
  return std::optional<absl::Time>(*moment);
}

absl::StatusOr<int> ShowEvents(const cli::Invocation& given) {
  tools::EventWishes wishes;
  STAVE_ASSIGN_OR_RETURN(wishes.since, Moment(given, "since"));
  STAVE_ASSIGN_OR_RETURN(wishes.until, Moment(given, "until"));
  auto filter = tools::EventFilter::Parse(given.List("filter"));
  if (!filter.ok()) return cli::BadValue("filter", filter.status());
  wishes.filter = *std::move(filter);
  wishes.lines = FLAGS_lines || (given.Has("format") && FLAGS_format.empty());
  if (given.Has("format") && !FLAGS_format.empty()) {
    STAVE_RETURN_IF_ERROR(tools::CheckEventFormat(FLAGS_format));
    wishes.format = FLAGS_format;
  }
  // There must be a folder to watch before anything has happened.
  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kWrite));
  STAVE_RETURN_IF_ERROR(tools::PrintEvents(store, wishes));
  return 0;
}

absl::StatusOr<int> Run(const cli::Invocation& given) {
  STAVE_RETURN_IF_ERROR(CheckUsage(given));
  if (FLAGS_events) return ShowEvents(given);
  return FLAGS_inspect ? ShowThem(given) : ShowList(given);
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}
