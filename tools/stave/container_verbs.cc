// SPDX-License-Identifier: Apache-2.0
#include "tools/stave/container_verbs.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/cli/program.h"

namespace stave::tools {
namespace {

using cli::Takes;

constexpr char kMany[] = "[OPTIONS] CONTAINER [CONTAINER...]";
constexpr char kManyPlain[] = "CONTAINER [CONTAINER...]";
constexpr char kTemplate[] = "columns as \"table TEMPLATE\", json, or a Go template";

// --- start, stop -----------------------------------------------------------------------------

constexpr Flag kStartFlags[] = {
    {{"attach", 'a', Takes::kNothing, "", "be attached to it, and pass signals on"}},
    {{"interactive", 'i', Takes::kNothing, "", "be attached to it with stdin"}, To::kLast},
    {{"detach-keys", 0, Takes::kValue, "string", "keys that leave it running"}, To::kLast},
};
constexpr Missing kStartMissing[] = {
    {"checkpoint", 0, "there are no checkpoints"},
    {"checkpoint-dir", 0, "there are no checkpoints"},
};

absl::StatusOr<Plan> PlanStart(const Call& call) {
  Stage stage = MakeStage(call, "ns-run", "--start");
  if (call.given().Has("attach") || call.given().Has("interactive")) {
    stage.args.insert(stage.args.begin() + 1, "--attach");
  }
  AddOperands(call.operands(), &stage);
  return OneStage(std::move(stage));
}

constexpr Flag kStopFlags[] = {
    {{"timeout", 't', Takes::kValue, "int", "seconds to wait before it is killed; -1 for ever"},
     To::kLast},
    {{"time", 0, Takes::kValue, "int", ""}, To::kHidden, "timeout"},
    {{"signal", 's', Takes::kValue, "string", "the signal that is sent first"}, To::kLast},
};

// Where one of several cannot be stopped, the others are started all the same.
absl::StatusOr<Plan> PlanRestart(const Call& call) {
  Stage stop = MakeStage(call, "ps-signal", "--stop");
  stop.drops_output = true;
  stop.next = call.operands().size() == 1 ? Join::kAnd : Join::kAlways;
  AddOperands(call.operands(), &stop);
  Plan plan = OneStage(std::move(stop));
  plan.stages.push_back({.program = "ns-run", .args = {"--start"}});
  AddOperands(call.operands(), &plan.stages.back());
  return plan;
}

constexpr Flag kKillFlags[] = {
    {{"signal", 's', Takes::kValue, "string", "the signal; KILL"}, To::kLast},
};

// --- rm --------------------------------------------------------------------------------------

constexpr Flag kRmFlags[] = {
    {{"force", 'f', Takes::kNothing, "", "kill it first if it runs; one that is not there is fine"},
     To::kLast},
    {{"volumes", 'v', Takes::kNothing, "", "and what it wrote to the image's volumes; always so"}},
};
constexpr Missing kRmMissing[] = {{"link", 'l', "there are no links"}};

constexpr Flag kPruneFlags[] = {
    {{"force", 'f', Takes::kNothing, "", "do not ask"}},
    {{"filter", 0, Takes::kList, "filter", "only those of until=TIME, label=KEY, label!=KEY"},
     To::kLast},
};

absl::StatusOr<Plan> PlanPrune(const Call& call) {
  Stage stage = MakeStage(call, "ps-remove", "--prune");
  stage.args.insert(stage.args.begin() + 1, "--report");
  Plan plan = OneStage(std::move(stage));
  AskFirst(call, "This will remove all stopped containers.", &plan);
  return plan;
}

// --- exec, attach, logs ----------------------------------------------------------------------

constexpr Flag kExecFlags[] = {
    {{"detach", 'd', Takes::kNothing, "", "leave it alone when it runs"}, To::kLast},
    {{"interactive", 'i', Takes::kNothing, "", "give it stdin"}, To::kLast},
    {{"tty", 't', Takes::kNothing, "", "give it a terminal"}, To::kLast},
    {{"env", 'e', Takes::kList, "list", "set a variable, or take it from here"}, To::kLast},
    {{"env-file", 0, Takes::kList, "list", "read variables from a file"}, To::kLast},
    {{"user", 'u', Takes::kValue, "string", "run as user[:group], by name or number"}, To::kLast},
    {{"workdir", 'w', Takes::kValue, "string", "directory to start in"}, To::kLast},
    {{"privileged", 0, Takes::kNothing, "", "give it all capabilities"}, To::kLast},
    {{"detach-keys", 0, Takes::kValue, "string", "keys that leave it alone"}, To::kLast},
};

absl::StatusOr<Plan> PlanExec(const Call& call) {
  Stage stage = MakeStage(call, "ns-exec", nullptr);
  const bool doubtful = absl::StartsWith(call.operands()[0], "-");
  if (doubtful) stage.args.push_back("--");
  stage.args.insert(stage.args.end(), call.operands().begin(), call.operands().end());
  return OneStage(std::move(stage));
}

constexpr Flag kAttachFlags[] = {
    {{"detach-keys", 0, Takes::kValue, "string", "keys that leave it running"}, To::kLast},
    {{"no-stdin", 0, Takes::kNothing, "", "watch only"}, To::kLast},
    {{"sig-proxy", 0, Takes::kNothing, "", "pass signals on to it; true unless =false"}},
};

absl::StatusOr<Plan> PlanAttach(const Call& call) {
  Stage stage = MakeStage(call, "tty-attach", nullptr);
  if (call.given().Off("sig-proxy")) {
    stage.args.push_back("--sig-proxy");
    stage.args.push_back("false");
  }
  AddOperands(call.operands(), &stage);
  return OneStage(std::move(stage));
}

constexpr Flag kLogsFlags[] = {
    {{"details", 0, Takes::kNothing, "", "print the attributes of each line before it"}, To::kLast},
    {{"follow", 'f', Takes::kNothing, "", "go on with what comes"}, To::kLast},
    {{"since", 0, Takes::kValue, "string", "leave out what is earlier: a time, or 10m"}, To::kLast},
    {{"tail", 'n', Takes::kValue, "string", "only the last so many lines"}, To::kLast},
    {{"timestamps", 't', Takes::kNothing, "", "print the time of each line before it"}, To::kLast},
    {{"until", 0, Takes::kValue, "string", "leave out what is later"}, To::kLast},
};

// --- ps, inspect, top, stats, events ---------------------------------------------------------

constexpr Flag kPsFlags[] = {
    {{"all", 'a', Takes::kNothing, "", "those that do not run, too"}, To::kLast},
    {{"filter", 'f', Takes::kList, "filter", "only those of KEY=VALUE, such as status=exited"},
     To::kLast},
    {{"format", 0, Takes::kValue, "string", kTemplate}, To::kLast},
    {{"last", 'n', Takes::kValue, "int", "the last so many that were made"}, To::kLast},
    {{"latest", 'l', Takes::kNothing, "", "the last one that was made"}, To::kLast},
    {{"no-trunc", 0, Takes::kNothing, "", "ids and commands whole"}, To::kLast},
    {{"quiet", 'q', Takes::kNothing, "", "ids only"}, To::kLast},
    {{"size", 's', Takes::kNothing, "", "and their sizes"}, To::kLast},
};

constexpr Flag kInspectFlags[] = {
    {{"format", 'f', Takes::kValue, "string", "a Go template, or json"}, To::kLast},
    {{"size", 's', Takes::kNothing, "", "and their sizes"}, To::kLast},
};

// The options of ps(1), of which ps-stat has the choice of columns.
absl::StatusOr<Plan> PlanTop(const Call& call) {
  Stage stage{.program = "ps-stat", .args = {"--top"}};
  const auto& words = call.operands();
  for (size_t i = 1; i < words.size(); ++i) {
    absl::string_view word = words[i];
    if (word == "-ef" || word == "-e" || word == "-f" || word == "ef") continue;
    std::string columns;
    if (word == "aux" || word == "-aux") {
      columns = "user,pid,vsz,rss,tty,stat,start,time,args";
    } else if (absl::ConsumePrefix(&word, "-eo") || absl::ConsumePrefix(&word, "-o") ||
               absl::ConsumePrefix(&word, "o")) {
      columns = std::string(word);
      if (columns.empty() && ++i < words.size()) columns = words[i];
    }
    if (columns.empty()) {
      return base::WithHint(
          base::Error(absl::StatusCode::kUnimplemented, "E_UNSUPPORTED",
                      absl::StrCat(base::Quoted(words[i < words.size() ? i : i - 1]),
                                   ": is an option of ps that is not supported")),
          "-ef, aux, or -o with columns: -o pid,user,args");
    }
    stage.args.push_back("--columns");
    stage.args.push_back(columns);
  }
  AddOperands(absl::MakeSpan(words).subspan(0, 1), &stage);
  return OneStage(std::move(stage));
}

constexpr Flag kStatsFlags[] = {
    {{"all", 'a', Takes::kNothing, "", "those that do not run, too"}, To::kLast},
    {{"format", 0, Takes::kValue, "string", kTemplate}, To::kLast},
    {{"no-stream", 0, Takes::kNothing, "", "once, not again and again"}, To::kLast, "once"},
    {{"no-trunc", 0, Takes::kNothing, "", "ids whole"}, To::kLast},
};

absl::StatusOr<Plan> PlanStats(const Call& call) {
  Stage stage = MakeStage(call, "ps-stat", nullptr);
  if (!call.given().Has("no-stream")) {
    stage.args.push_back("--interval");
    stage.args.push_back("1");
  }
  AddOperands(call.operands(), &stage);
  return OneStage(std::move(stage));
}

constexpr Flag kEventsFlags[] = {
    {{"filter", 'f', Takes::kList, "filter", "only those of KEY=VALUE, such as event=die"},
     To::kLast},
    {{"format", 0, Takes::kValue, "string", "a Go template, or json"}, To::kLast},
    {{"since", 0, Takes::kValue, "string", "and what was since then: a time, or 10m"}, To::kLast},
    {{"until", 0, Takes::kValue, "string", "no longer than until then"}, To::kLast},
};

absl::StatusOr<Plan> PlanEvents(const Call& call) {
  Stage stage = MakeStage(call, "ps-lister", "--events");
  if (!call.given().Has("format")) stage.args.push_back("--lines");
  return OneStage(std::move(stage));
}

// --- cp, export ------- ----------------------------------------------------------------------

constexpr Flag kCpFlags[] = {
    {{"archive", 'a', Takes::kNothing, "", "keep owners"}, To::kLast},
    {{"follow-link", 'L', Takes::kNothing, "", "copy what a link leads to"}, To::kLast},
    {{"quiet", 'q', Takes::kNothing, "", "say nothing of what was copied"}, To::kLast},
};

constexpr Flag kExportFlags[] = {
    {{"output", 'o', Takes::kValue, "string", "write to this file"}, To::kLast},
};

constexpr Verb kVerbs[] = {
    {.names = "start, container start",
     .purpose = "start containers that were made or have ended",
     .synopsis = kMany,
     .flags = kStartFlags,
     .least = 1,
     .most = -1,
     .plan = PlanStart,
     .missing = kStartMissing},
    {.names = "stop, container stop",
     .purpose = "stop containers",
     .synopsis = kMany,
     .flags = kStopFlags,
     .least = 1,
     .most = -1,
     .program = "ps-signal",
     .act = "--stop"},
    {.names = "restart, container restart",
     .purpose = "stop containers and start them again",
     .synopsis = kMany,
     .flags = kStopFlags,
     .least = 1,
     .most = -1,
     .plan = PlanRestart},
    {.names = "kill, container kill",
     .purpose = "kill containers, or send them a signal",
     .synopsis = kMany,
     .flags = kKillFlags,
     .least = 1,
     .most = -1,
     .program = "ps-signal"},
    {.names = "rm, container rm, container remove",
     .purpose = "remove containers",
     .synopsis = kMany,
     .flags = kRmFlags,
     .least = 1,
     .most = -1,
     .program = "ps-remove",
     .missing = kRmMissing},
    {.names = "container prune",
     .purpose = "remove all containers that do not run",
     .synopsis = "[OPTIONS]",
     .flags = kPruneFlags,
     .plan = PlanPrune},
    {.names = "rename, container rename",
     .purpose = "give a container another name",
     .synopsis = "CONTAINER NEW_NAME",
     .least = 2,
     .most = 2,
     .program = "ps-rename"},
    {.names = "exec, container exec",
     .purpose = "run a command in a running container",
     .synopsis = "[OPTIONS] CONTAINER COMMAND [ARG...]",
     .flags = kExecFlags,
     .least = 2,
     .most = -1,
     .plan = PlanExec,
     .mixed = false},
    {.names = "attach, container attach",
     .purpose = "join the terminal or pipes to a running container",
     .synopsis = "[OPTIONS] CONTAINER",
     .flags = kAttachFlags,
     .least = 1,
     .most = 1,
     .plan = PlanAttach},
    {.names = "logs, container logs",
     .purpose = "print what a container has written",
     .synopsis = "[OPTIONS] CONTAINER",
     .flags = kLogsFlags,
     .least = 1,
     .most = 1,
     .program = "log-read"},
    {.names = "ps, container ls, container list, container ps",
     .purpose = "list containers",
     .synopsis = "[OPTIONS]",
     .flags = kPsFlags,
     .program = "ps-lister"},
    {.names = "container inspect",
     .purpose = "tell all about containers",
     .synopsis = kMany,
     .flags = kInspectFlags,
     .least = 1,
     .most = -1,
     .program = "ps-lister",
     .act = "--inspect"},
    {.names = "pause, container pause",
     .purpose = "halt all processes of containers",
     .synopsis = kManyPlain,
     .least = 1,
     .most = -1,
     .program = "ps-signal",
     .act = "--pause"},
    {.names = "unpause, container unpause",
     .purpose = "let them go on",
     .synopsis = kManyPlain,
     .least = 1,
     .most = -1,
     .program = "ps-signal",
     .act = "--unpause"},
    {.names = "wait, container wait",
     .purpose = "wait until containers have ended, and print their exit codes",
     .synopsis = kManyPlain,
     .least = 1,
     .most = -1,
     .program = "ps-wait"},
    {.names = "top, container top",
     .purpose = "list the processes of a container",
     .synopsis = "CONTAINER [ps OPTIONS]",
     .least = 1,
     .most = -1,
     .plan = PlanTop,
     .mixed = false},
    {.names = "stats, container stats",
     .purpose = "show what containers use",
     .synopsis = "[OPTIONS] [CONTAINER...]",
     .flags = kStatsFlags,
     .most = -1,
     .plan = PlanStats},
    {.names = "why, container why",
     .purpose = "tell why containers have ended, or could not start",
     .synopsis = kManyPlain,
     .least = 1,
     .most = -1,
     .program = "ps-why"},
    {.names = "events, system events",
     .purpose = "print what happens to containers, as it happens",
     .synopsis = "[OPTIONS]",
     .flags = kEventsFlags,
     .plan = PlanEvents},
    {.names = "cp, container cp",
     .purpose = "copy files between a container and this machine",
     .synopsis =
         "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n[OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
     .flags = kCpFlags,
     .least = 2,
     .most = 2,
     .program = "file-copy"},
    {.names = "diff, container diff",
     .purpose = "tell what a container has changed",
     .synopsis = "CONTAINER",
     .least = 1,
     .most = 1,
     .program = "layer-diff"},
    {.names = "export, container export",
     .purpose = "write the root filesystem of a container as a tar",
     .synopsis = "[OPTIONS] CONTAINER",
     .flags = kExportFlags,
     .least = 1,
     .most = 1,
     .program = "layer-diff",
     .act = "--rootfs"},
};

}  // namespace

absl::Span<const Verb> ContainerVerbs() { return kVerbs; }

}  // namespace stave::tools
