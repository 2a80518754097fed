// SPDX-License-Identifier: Apache-2.0
//
// What a command of stave's does: programs, and how they are joined. One structure that is printed
// as shell (shell.h) and as data (below), and performed (perform.h), so that the three cannot
// drift.
//
//   image-fetch --lines alpine | cgroup-limit --memory 64m | ns-run -d
//   ps-signal --stop web > /dev/null && ns-run --start web
//
// The stages up to a join that is no pipe are a pipeline, as the shell has it: its exit code is
// that of its last stage.

#ifndef STAVE_TOOLS_STAVE_PLAN_H_
#define STAVE_TOOLS_STAVE_PLAN_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stave::tools {

// How a stage is joined to the next one.
enum class Join {
  kPipe,    // a | b
  kAnd,     // a && b
  kAlways,  // a ; b
};

struct Stage {
  std::string program;            // its name
  std::vector<std::string> args;  // without argv[0]
  bool drops_output = false;      // its stdout is /dev/null; not before a pipe
  Join next = Join::kPipe;        // of the last stage: nothing
};

struct Plan {
  // Asked on stdout before anything else; an answer on stdin other than y or Y ends the plan with
  // exit code 0. "": nothing is asked.
  std::string question;
  std::vector<Stage> stages;  // at least one; the last one is executed in place
  // The caller's stdin is descriptor 3 of all stages: where the last one's own is a pipe.
  bool keeps_stdin = false;
};

// The plan as one JSON object, on one line:
//
//   {"version":1,"question":"..","stdin":3,"stages":[{"program":"image-fetch","args":["alpine"],
//    "stdout":"pipe"},{"program":"ns-run","args":[],"stdout":"inherited","inPlace":true}]}
//
// `stdout` is pipe, null or inherited; `then`, in the last stage of each pipeline but the last one,
// is "and" or "always"; `question` and `stdin` are there if the plan has them.
// Errors: InvalidArgument [E_USAGE] for an argument that is no UTF-8, which JSON cannot hold.
absl::StatusOr<std::string> PlanAsJson(const Plan& plan);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_STAVE_PLAN_H_
