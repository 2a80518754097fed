// SPDX-License-Identifier: Apache-2.0
//
// A program with verbs: `stave-oci --root R create -b B ID`.
//
//   constexpr cli::Option kKillOptions[] = {{"all", 'a', cli::Takes::kNothing, "", "..."}};
//   constexpr cli::Program kKill = {.name = "kill", .purpose = "send a signal",
//                                   .synopsis = "[OPTION...] ID [SIGNAL]", .options =
//                                   kKillOptions};
//   const cli::Verb kVerbs[] = {{kKill, Kill}, ...};
//   int main(int argc, char** argv) {
//     return cli::VerbsMain({.program = kProgram, .verbs = kVerbs}, argc, argv);
//   }
//
// The program's own options come first, up to the verb; then the verb's, by its own table and
// grammar. Values are read from the Invocations: no gflags. `PROGRAM --help` lists the verbs,
// `PROGRAM VERB --help` and `PROGRAM help VERB` say what is of that one. --help=man and
// --help=complete hold all tables; the latter has a line "=VERB<TAB>purpose" before each.

#ifndef STAVE_LIBS_CLI_VERBS_H_
#define STAVE_LIBS_CLI_VERBS_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "libs/cli/program.h"

namespace stave::cli {

// What the function of a verb gets.
struct VerbCall {
  const Invocation& global;  // the program's own options
  const Invocation& own;     // the verb's options and operands
  std::function<void(absl::string_view message)> warn;
};

struct Verb {
  Program program;  // `name` is the verb alone; `page` is the program's
  absl::StatusOr<int> (*run)(const VerbCall& call);
};

enum class Severity { kWarning, kError };

struct Verbs {
  Program program;
  absl::Span<const Verb> verbs;
  std::string version;  // the text of --version; "": as of all programs
  // Runs once the program's own options are known, before the verb is looked for: opens a log, say.
  std::function<absl::Status(const Invocation& global)> begin;
  // Told of each error after it was printed, and of each warning: those are printed only if it
  // returns false.
  std::function<bool(Severity severity, absl::string_view message)> log;
  // What helps with a command that is none of `verbs`; "": the nearest of them.
  std::function<std::string(absl::string_view name)> hint = nullptr;
};

// Like Main(): exit codes of a verb are those of its own Program.
int VerbsMain(const Verbs& verbs, int argc, char** argv);

// All tables, for --help=man and --help=complete.
std::string VerbsManual(const Verbs& verbs);
std::string VerbsCompletion(const Verbs& verbs);

}  // namespace stave::cli

#endif  // STAVE_LIBS_CLI_VERBS_H_
