// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/verbs.h"

#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/cli/help.h"
#include "libs/cli/nearest.h"

namespace stave::cli {
namespace {

std::string VersionText(const Verbs& verbs) {
  if (!verbs.version.empty()) return verbs.version;
  const absl::string_view name = verbs.program.name;
  return absl::StrCat(name, name == "stave" ? " " : " (stave) ", Version(), "\n");
}

std::string Help(const Verbs& verbs) {
  std::vector<Command> commands;
  for (const Verb& verb : verbs.verbs) {
    commands.push_back({verb.program.name, verb.program.purpose});
  }
  return HelpText(verbs.program, commands);
}

// What --help or --version asks for, `help` being of the program or of one verb.
std::string Answer(const Verbs& verbs, const Invocation& invocation, const std::string& help) {
  if (invocation.Has("version")) return VersionText(verbs);
  const std::string kind = invocation.Get("help");
  if (kind == "man") return VerbsManual(verbs);
  if (kind == "complete") return VerbsCompletion(verbs);
  return help;
}

absl::StatusOr<const Verb*> FindVerb(const Verbs& verbs, absl::string_view name) {
  std::vector<absl::string_view> names;
  for (const Verb& verb : verbs.verbs) {
    if (name == verb.program.name) return &verb;
    names.push_back(verb.program.name);
  }
  const absl::Status unknown =
      UsageError(absl::StrCat("unknown command \"", base::Printable(name, 64), "\""));
  if (const std::string hint = verbs.hint ? verbs.hint(name) : ""; !hint.empty()) {
    return base::WithHint(unknown, hint);
  }
  const absl::string_view nearest = Nearest(name, names);
  return base::WithHint(
      unknown, nearest.empty() ? absl::StrCat(verbs.program.name, " --help lists the commands")
                               : absl::StrCat("did you mean ", nearest, "?"));
}

class Run {
 public:
  Run(const Verbs& verbs, int argc, char** argv) : verbs_(verbs), argc_(argc), argv_(argv) {}

  int Go() {
    const auto global = ParseCommandLine(verbs_.program, argc_, argv_);
    if (!global.ok()) return Fail(verbs_.program, global.status(), false);
    if (global->Has("help") || global->Has("version")) {
      return PrintOrFail(verbs_.program, Answer(verbs_, *global, Help(verbs_)));
    }
    if (verbs_.begin) {
      if (const absl::Status begun = verbs_.begin(*global); !begun.ok()) {
        return Fail(verbs_.program, begun, false);
      }
    }
    if (global->operands().empty()) {
      return Fail(verbs_.program,
                  base::WithHint(UsageError("a command is missing"),
                                 absl::StrCat(verbs_.program.name, " --help lists the commands")),
                  true);
    }
    // "+" has left argv as it was: the operands are its end.
    const int first = argc_ - static_cast<int>(global->operands().size());
    const bool help = absl::string_view(argv_[first]) == "help";
    if (help && first + 1 == argc_) return PrintOrFail(verbs_.program, Help(verbs_));
    const auto verb = FindVerb(verbs_, argv_[first + (help ? 1 : 0)]);
    if (!verb.ok()) return Fail(verbs_.program, verb.status(), true);
    return GoVerb(**verb, *global, help ? std::nullopt : std::optional<int>(first));
  }

 private:
  // `first`: where the verb is in argv; nullopt: only its help is wanted.
  int GoVerb(const Verb& verb, const Invocation& global, std::optional<int> first) {
    Program program = verb.program;
    const std::string name = absl::StrCat(verbs_.program.name, " ", verb.program.name);
    program.name = name.c_str();
    program.page = verbs_.program.page;
    if (program.help_letter == 0) program.help_letter = verbs_.program.help_letter;
    if (!first) return PrintOrFail(program, HelpText(program));
    const auto own = ParseCommandLine(program, argc_ - *first, argv_ + *first);
    if (!own.ok()) return Fail(verb.program, own.status(), true);
    if (own->Has("help") || own->Has("version")) {
      return PrintOrFail(program, Answer(verbs_, *own, HelpText(program)));
    }
    const auto warn = [this](absl::string_view message) {
      if (verbs_.log && verbs_.log(Severity::kWarning, message)) return;
      PrintWarning(verbs_.program, message);
    };
    const absl::StatusOr<int> code = verb.run({global, *own, warn});
    return code.ok() ? *code : Fail(verb.program, code.status(), true);
  }

  int Fail(const Program& whose, const absl::Status& status, bool log) {
    if (base::ErrorWord(status) != "E_SILENT") {
      PrintError(verbs_.program, status);
      if (log && verbs_.log) verbs_.log(Severity::kError, status.message());
    }
    return ExitCode(whose, status);
  }

  const Verbs& verbs_;
  const int argc_;
  char** const argv_;
};

}  // namespace

std::string VerbsManual(const Verbs& verbs) {
  std::string out = ManualOptions(verbs.program);
  for (const Verb& verb : verbs.verbs) {
    absl::StrAppend(&out, ManualCommand(verb.program, verb.program.name));
  }
  return out;
}

std::string VerbsCompletion(const Verbs& verbs) {
  std::string out = CompletionTable(verbs.program);
  for (const Verb& verb : verbs.verbs) {
    absl::StrAppend(&out, "=", verb.program.name, "\t", verb.program.purpose, "\n",
                    CompletionTable(verb.program));
  }
  return out;
}

int VerbsMain(const Verbs& verbs, int argc, char** argv) {
  BeginProgram();
  char* no_name[] = {const_cast<char*>(verbs.program.name), nullptr};
  if (argc < 1) {  // execve(2) with an empty argv
    argc = 1;
    argv = no_name;
  }
  return Run(verbs, argc, argv).Go();
}

}  // namespace stave::cli
