// SPDX-License-Identifier: Apache-2.0
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/status_macros.h"
#include "libs/json/parse.h"
#include "libs/lifecycle/stats.h"
#include "tools/stave-oci/call.h"
#include "tools/stave-oci/commands.h"

namespace stave::stave_oci {
namespace {

constexpr cli::Option kOptions[] = {
    {"interval", 0, cli::Takes::kValue, "DURATION", "time between two: 500ms, 1m30s; default: 5s"},
    {"stats", 0, cli::Takes::kNothing, "", "print what it uses now, once"},
};

absl::Status Emit(const json::Value& event) {
  return Print(absl::StrCat(json::Print(event), "\n"));
}

absl::StatusOr<absl::Duration> Interval(const cli::VerbCall& call) {
  if (!call.own.Has("interval")) return absl::Seconds(5);
  const auto interval = base::ParseDuration(call.own.Get("interval"));
  if (!interval.ok()) return cli::BadValue("interval", interval.status());
  if (*interval > absl::ZeroDuration()) return *interval;
  return cli::UsageError("--interval: must be above 0");
}

absl::StatusOr<int> Run(const cli::VerbCall& call) {
  STAVE_RETURN_IF_ERROR(CheckOperands(call, "events", 1, 1));
  STAVE_ASSIGN_OR_RETURN(const absl::Duration interval, Interval(call));
  STAVE_ASSIGN_OR_RETURN(const lifecycle::Root root, OpenRoot(call));
  const std::string& id = call.own.operands()[0];
  if (call.own.Has("stats")) {
    STAVE_ASSIGN_OR_RETURN(const json::Value event, lifecycle::StatsEvent(root, id));
    STAVE_RETURN_IF_ERROR(Emit(event));
    return 0;
  }
  STAVE_RETURN_IF_ERROR(lifecycle::WatchEvents(root, id, interval, Emit));
  return 0;
}

}  // namespace

cli::Verb EventsVerb() {
  return {Table("events", "[OPTION...] ID",
                "print what a container uses, again and again, and when its memory has run out, a "
                "line of JSON each",
                kOptions),
          Run};
}

}  // namespace stave::stave_oci
