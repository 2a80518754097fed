// SPDX-License-Identifier: Apache-2.0
//
// What every program does alike: one table of options feeds parsing, help, completion and the
// manual page; errors are one line; exit codes are those of design section 2.
//
//   constexpr cli::Option kOptions[] = {
//       {"memory", 'm', cli::Takes::kValue, "SIZE", "limit of memory, in bytes or with k, m, g"},
//       {"env", 'e', cli::Takes::kList, "KEY=VALUE", "set a variable; may be repeated"},
//       {"rm", 0, cli::Takes::kNothing, "", "remove the container when it has ended"},
//   };
//   constexpr cli::Program kProgram = {
//       .name = "cgroup-limit", .purpose = "limit what a container or command may use",
//       .synopsis = "[OPTION...] [-- COMMAND [ARG...]]", .options = kOptions};
//   int main(int argc, char** argv) { return cli::Main(kProgram, Run, argc, argv); }
//
// Grammar: getopt_long(3) with "+": clusters (-it), --flag=value, --flag value, stop at the first
// operand or at "--". A kValue or kNothing option given twice is a usage error. Program changes
// both. Programs with verbs: verbs.h. gflags holds the values: an option for which the program has
// a DEFINE_string/int32/bool of the same name (dashes as underscores) sets it, with its validator;
// the others are read from the Invocation. --help and --version belong to every program. --help=man
// and --help=complete print the OPTIONS part of the manual page (scdoc) and the table for
// completion.

#ifndef STAVE_LIBS_CLI_PROGRAM_H_
#define STAVE_LIBS_CLI_PROGRAM_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace stave::cli {

enum class Takes {
  kNothing,  // a switch; --name=false turns it off again
  kValue,    // one value
  kList,     // a value, and the option may be repeated
};

struct Option {
  const char* name;  // long name without dashes
  char letter;       // short name, or 0
  Takes takes;
  const char* value;       // what help calls the value; "" for kNothing
  const char* help;        // lower case, no full stop
  const char* group = "";  // heading in help; "" is "Options"
};

struct Program {
  const char* name;
  const char* purpose;   // one sentence, lower case, no full stop
  const char* synopsis;  // what follows the name in the usage line; one line for each form
  absl::Span<const Option> options;
  // Exit code of wrong usage and of the program's own failures: 2 and 1, or 125 and 125 in programs
  // that run a payload.
  int usage_exit = 2;
  int failure_exit = 1;
  bool last_wins = false;  // of an option that is given twice, as in Docker and runc; no error
  bool mixed = false;      // options may follow operands, up to "--"
  // Short names of --help and --version, where the program has them.
  char help_letter = 0;
  char version_letter = 0;
  const char* page = nullptr;  // "stave-oci(8)"; nullptr: NAME(1)
};

// The command line, parsed.
class Invocation {
 public:
  const std::vector<std::string>& operands() const { return operands_; }
  // Whether operands were set apart by "--".
  bool after_dashes() const { return after_dashes_; }

  bool Has(absl::string_view option) const;         // given, and not as =false
  std::string Get(absl::string_view option) const;  // its (last) value, or ""
  std::vector<std::string> List(absl::string_view option) const;

 private:
  friend absl::StatusOr<Invocation> ParseCommandLine(const Program&, int, char**);
  std::vector<std::string> operands_;
  bool after_dashes_ = false;
  std::map<std::string, std::vector<std::string>, std::less<>> given_;
};

// Parses; touches nothing but gflags. Errors: UsageError, with a hint when a name is nearly right.
absl::StatusOr<Invocation> ParseCommandLine(const Program& program, int argc, char** argv);

// Wrong usage: Main() exits with usage_exit. `message` as in "--memory: \"x\": is not a size".
absl::Status UsageError(absl::string_view message);

// `status` as wrong usage, with its own word: exit code and message stay apart.
absl::Status AsUsage(absl::Status status);

// The status as one of an option's value: wrong usage, with "--name: " before it.
absl::Status BadValue(absl::string_view option, const absl::Status& status);

// Prints `program: message [E_WORD]` and `hint: ...` to stderr. Control characters are escaped.
void PrintError(const Program& program, const absl::Status& status);
void PrintWarning(const Program& program, absl::string_view message);

// "0.1.0".
absl::string_view Version();

// The parts of Main(), for programs that are run in another way (verbs.h). Begin: /dev/null on
// those of 0, 1, 2 that are closed, SIGPIPE ignored, SIGCHLD not. PrintOrFail: `text` to stdout,
// and the exit code. ExitCode: that of `status`.
void BeginProgram();
int PrintOrFail(const Program& program, absl::string_view text);
int ExitCode(const Program& program, const absl::Status& status);

// Runs `run` and turns what it returns into the exit code: an int is the code itself (a payload's,
// say), an error is printed; where nobody reads stdout any more the process ends by SIGPIPE
// instead. Opens /dev/null on those of 0, 1, 2 that are closed; ignores SIGPIPE; answers --help and
// --version.
int Main(const Program& program, absl::StatusOr<int> (*run)(const Invocation&), int argc,
         char** argv);

}  // namespace stave::cli

#endif  // STAVE_LIBS_CLI_PROGRAM_H_
