// SPDX-License-Identifier: Apache-2.0
//
// stave - Docker's commands without a daemon
//
// A command becomes a plan of programs, which is performed or, with --explain, printed. There is no
// logic of containers here. Manual: stave(1).

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cli/nearest.h"
#include "libs/cli/program.h"
#include "tools/stave/client_config.h"
#include "tools/stave/container_verbs.h"
#include "tools/stave/grammar.h"
#include "tools/stave/image_verbs.h"
#include "tools/stave/missing.h"
#include "tools/stave/perform.h"
#include "tools/stave/plan.h"
#include "tools/stave/run_verbs.h"
#include "tools/stave/shell.h"
#include "tools/stave/usage.h"
#include "tools/stave/verb.h"

namespace stave::tools {
namespace {

constexpr int kBadFlag = 125;  // Docker's, of every command

constexpr Flag kGlobalFlags[] = {
    {{"version", 'v', cli::Takes::kNothing, "", ""}},
};

// The program that errors are of: "stave", "stave run".
cli::Program Named(const std::string& name) {
  return {.name = name.c_str(), .purpose = "", .synopsis = "", .options = {}};
}

class Tool {
 public:
  explicit Tool(absl::string_view called)
      : name_(called.substr(called.rfind('/') + 1) == "docker" ? "docker" : "stave"),
        all_{RunVerbs(), ContainerVerbs(), ImageVerbs()} {}

  int Run(const std::vector<std::string>& words) {
    const auto global =
        ReadWords({kGlobalFlags, CommonFlags(), MissingGlobalFlags(), false}, words);
    if (!global.ok()) {
      const bool missing = absl::IsUnimplemented(global.status());
      const std::string usage =
          absl::StrCat("\nUsage:  ", name_, " [OPTIONS] COMMAND [ARG...]\n\nRun '", name_,
                       " --help' for more information\n");
      return Fail(name_, global.status(), missing ? "" : usage, kBadFlag);
    }
    const Given& given = global->given;
    if (given.Has("help")) return Print(TopHelp(given.Get("help")));
    if (given.Has("version")) return Print(VersionText());
    std::vector<std::string> rest = global->operands;
    const bool help = !rest.empty() && rest[0] == "help";
    if (help) rest.erase(rest.begin());
    if (rest.empty()) return Print(ToolHelp(name_, "", all_));
    if (IsNoun(rest[0]) && (rest.size() == 1 || rest[1] == "--help" || rest[1] == "-h")) {
      return Print(ToolHelp(name_, rest[0], all_));
    }
    std::string typed = rest[0];
    size_t taken = 1;
    if (IsNoun(typed)) absl::StrAppend(&typed, " ", rest[taken++]);
    const Verb* verb = Find(typed);
    if (verb == nullptr) return RefuseVerb(typed);
    if (help) return Print(VerbHelp(name_, typed, *verb));
    rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(taken));
    return RunVerb(*verb, typed, rest, given.Get("explain"));
  }

 private:
  std::string TopHelp(const std::string& kind) const {
    if (kind == "man") return ManualText(all_);
    if (kind == "complete") return CompletionText(all_);
    return ToolHelp(name_, "", all_);
  }

  std::string VersionText() const {
    if (name_ == "docker") {
      return absl::StrCat("Docker version ", kDocker, ", build stave-", cli::Version(), "\n");
    }
    return absl::StrCat("stave version ", cli::Version(), "\nin the words of Docker ", kDocker,
                        "\n");
  }

  const Verb* Find(absl::string_view typed) const {
    for (const auto table : all_) {
      for (const Verb& verb : table) {
        for (const absl::string_view name : NamesOf(verb)) {
          if (name == typed) return &verb;
        }
      }
    }
    return nullptr;
  }

  static bool IsNoun(absl::string_view word) {
    return word == "container" || word == "image" || word == "system";
  }

  int RunVerb(const Verb& verb, const std::string& typed, const std::vector<std::string>& rest,
              std::string explain) const {
    const std::string name = absl::StrCat(name_, " ", typed);
    auto words = ReadWords({verb.flags, CommonFlags(), verb.missing, verb.mixed}, rest);
    if (!words.ok()) {
      const bool missing = absl::IsUnimplemented(words.status());
      return Fail(name, words.status(), missing ? "" : UsageLines(name_, typed, verb),
                  missing ? verb.failure : kBadFlag);
    }
    for (const std::string& warning : words->warnings) cli::PrintWarning(Named(name), warning);
    if (words->given.Has("help")) return Print(VerbHelp(name_, typed, verb));
    if (words->given.Has("explain")) explain = words->given.Get("explain");
    if (ClientConfig::Concerns(verb)) {
      const auto config = ClientConfig::Read();
      if (config.ok()) config->Complete(verb, &words->given);
      if (!config.ok()) cli::PrintWarning(Named(name), config.status().message());
    }
    const Call call{verb, *std::move(words)};
    if (const absl::Status fits = CheckOperands(call, name); !fits.ok()) {
      return Fail(name, fits, UsageLines(name_, typed, verb), 1);
    }
    const auto plan = verb.plan != nullptr ? verb.plan(call) : OneStage(call);
    if (!plan.ok()) return Fail(name, plan.status(), "", verb.failure);
    if (const std::string hint = verb.doubt ? verb.doubt(call) : ""; !hint.empty()) Hint(hint);
    if (explain.empty()) HintAtSudo(*plan);
    const auto code = explain.empty() ? PerformIt(*plan) : Explain(*plan, explain);
    return code.ok() ? *code : Fail(name, code.status(), "", verb.failure);
  }

  static absl::Status CheckOperands(const Call& call, absl::string_view name) {
    const int count = static_cast<int>(call.operands().size());
    const int least = call.verb.least, most = call.verb.most;
    if (count >= least && (most < 0 || count <= most)) return absl::OkStatus();
    const auto arguments = [](int n) {
      return absl::StrCat(n, n == 1 ? " argument" : " arguments");
    };
    std::string wants = absl::StrCat("requires at least ", arguments(least));
    if (most == 0) {
      wants = "accepts no arguments";
    } else if (least == most) {
      wants = absl::StrCat("requires ", arguments(most));
    } else if (least == 0) {
      wants = absl::StrCat("requires at most ", arguments(most));
    }
    return cli::UsageError(absl::StrCat("'", name, "' ", wants));
  }

  // Who is not root has a store of its own, and has mostly forgotten sudo where root has one.
  static void HintAtSudo(const Plan& plan) {
    const std::string& program = plan.stages.back().program;
    const bool no_store = absl::StartsWith(program, "registry-") || program == "image-search";
    struct stat st;
    if (::geteuid() == 0 || ::getenv("STAVE_STATE") != nullptr || no_store) return;
    if (::stat("/var/lib/stave", &st) < 0) return;
    Hint("this is a store of your own; root's containers and images are seen with sudo");
  }

  static absl::StatusOr<int> PerformIt(const Plan& plan) {
    STAVE_ASSIGN_OR_RETURN(const std::string folder, OwnFolder());
    return Perform(plan, folder);
  }

  absl::StatusOr<int> Explain(const Plan& plan, const std::string& how) const {
    if (how == "json") {
      STAVE_ASSIGN_OR_RETURN(const std::string text, PlanAsJson(plan));
      return Print(text);
    }
    if (how != "true") {
      return cli::UsageError(absl::StrCat("--explain=", base::Printable(how, 64),
                                          ": is not --explain or --explain=json"));
    }
    STAVE_ASSIGN_OR_RETURN(const std::string folder, OwnFolder());
    return Print(PlanAsShell(
        plan, [&folder](const std::string& program) { return Spelled(folder, program); }));
  }

  // The name of `program` where the shell finds it by that, else its path.
  static std::string Spelled(const std::string& folder, const std::string& program) {
    std::string own = absl::StrCat(folder, "/", program);
    struct stat ours, found;
    const char* path = ::getenv("PATH");
    if (::stat(own.c_str(), &ours) < 0 || path == nullptr) return own;
    for (const absl::string_view place : absl::StrSplit(path, ':')) {
      const std::string one = absl::StrCat(place, "/", program);
      if (place.empty() || ::stat(one.c_str(), &found) < 0) continue;
      return found.st_dev == ours.st_dev && found.st_ino == ours.st_ino ? program : own;
    }
    return own;
  }

  int RefuseVerb(const std::string& typed) const {
    const std::vector<std::string> parts = absl::StrSplit(typed, ' ');
    if (const absl::string_view why = WhyMissing(parts.back()); !why.empty()) {
      return Fail(absl::StrCat(name_, " ", typed),
                  base::Error(absl::StatusCode::kUnimplemented, "E_UNSUPPORTED",
                              absl::StrCat("is not supported: ", why)),
                  "", 1);
    }
    const absl::Status unknown =
        cli::UsageError(absl::StrCat("unknown command: ", name_, " ", typed));
    const std::string noun = parts.size() == 2 ? parts[0] + " " : "";
    std::vector<absl::string_view> names = {"container", "image", "system", "help"};
    if (!noun.empty()) names.clear();
    for (const auto table : all_) {
      for (const Verb& verb : table) {
        for (const absl::string_view name : NamesOf(verb)) {
          const size_t space = name.find(' ');
          if (noun.empty() && space == name.npos) names.push_back(name);
          if (!noun.empty() && name.substr(0, space + 1) == noun) {
            names.push_back(name.substr(space + 1));
          }
        }
      }
    }
    const absl::string_view nearest = cli::Nearest(parts.back(), names);
    return Fail(name_,
                nearest.empty() ? unknown
                                : base::WithHint(unknown, absl::StrCat("did you mean ", name_, " ",
                                                                       noun, nearest, "?")),
                absl::StrCat("\nRun '", name_, " ", noun, "--help' for more information\n"), 1);
  }

  static int Fail(const std::string& whose, const absl::Status& status, absl::string_view usage,
                  int code) {
    cli::PrintError(Named(whose), status);
    (void)base::WriteAll(STDERR_FILENO, usage, "stderr");
    return code;
  }

  static void Hint(const std::string& hint) {
    (void)base::WriteAll(STDERR_FILENO, absl::StrCat("hint: ", base::Printable(hint), "\n"),
                         "stderr");
  }

  int Print(const std::string& text) const { return cli::PrintOrFail(Named(name_), text); }

  static constexpr char kDocker[] = "28.5.2";

  const std::string name_;
  const std::vector<absl::Span<const Verb>> all_;
};

}  // namespace
}  // namespace stave::tools

int main(int argc, char** argv) {
  // What the caller ignores the programs are to ignore, too.
  const auto pipes = ::signal(SIGPIPE, SIG_DFL);
  stave::cli::BeginProgram();
  ::signal(SIGPIPE, pipes);
  const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  return stave::tools::Tool(argc > 0 ? argv[0] : "stave").Run(words);
}
