// SPDX-License-Identifier: Apache-2.0
#include <getopt.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gflags/gflags.h"
#include "libs/base/error.h"
#include "libs/cli/nearest.h"
#include "libs/cli/program.h"

namespace stave::cli {
namespace {

// What getopt_long reports for the option at `index` of the table.
constexpr int kFirstIndex = 0x1000;
constexpr int kHelp = 0x800;
constexpr int kVersion = 0x801;
constexpr int kOperand = 1;  // with "-"

absl::Status UnknownOption(const Program& program, absl::string_view word) {
  absl::string_view name = word;
  if (const size_t equals = name.find('='); equals != name.npos) name = name.substr(0, equals);
  absl::Status status = UsageError(absl::StrCat("unknown option ", name));
  std::vector<absl::string_view> names;
  for (const Option& option : program.options) names.push_back(option.name);
  const absl::string_view nearest =
      absl::StartsWith(name, "--") ? Nearest(name.substr(2), names) : "";
  return base::WithHint(std::move(status),
                        nearest.empty() ? absl::StrCat(program.name, " --help lists the options")
                                        : absl::StrCat("did you mean --", nearest, "?"));
}

// The tables of getopt_long(3). "+": stop at the first operand; "-": report it and go on.
struct Grammar {
  std::string letters;
  std::vector<struct option> names;

  explicit Grammar(const Program& program) : letters(program.mixed ? "-:" : "+:") {
    int index = kFirstIndex;
    for (const Option& option : program.options) {
      // A switch takes "=false", so its argument is optional to getopt.
      const int has = option.takes == Takes::kNothing ? optional_argument : required_argument;
      names.push_back({option.name, has, nullptr, index++});
      if (option.letter == 0) continue;
      letters += option.letter;
      if (option.takes != Takes::kNothing) letters += ':';
    }
    names.push_back({"help", optional_argument, nullptr, kHelp});
    names.push_back({"version", no_argument, nullptr, kVersion});
    for (const char letter : {program.help_letter, program.version_letter}) {
      if (letter != 0) letters += letter;
    }
    names.push_back({nullptr, 0, nullptr, 0});
  }
};

const Option* Lookup(const Program& program, int reported) {
  if (reported >= kFirstIndex) return &program.options[static_cast<size_t>(reported - kFirstIndex)];
  for (const Option& option : program.options) {
    if (option.letter == reported) return &option;
  }
  return nullptr;
}

absl::Status SetFlag(const Option& option, const std::string& value) {
  const std::string name = absl::StrReplaceAll(option.name, {{"-", "_"}});
  gflags::CommandLineFlagInfo info;
  if (!gflags::GetCommandLineFlagInfo(name.c_str(), &info)) return absl::OkStatus();
  if (gflags::SetCommandLineOption(name.c_str(), value.c_str()).empty()) {
    return UsageError(absl::StrCat("--", option.name, ": \"", base::Printable(value, 64),
                                   "\": is not a valid value"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ValueOf(const Option& option, const char* given) {
  if (option.takes != Takes::kNothing) return std::string(given);
  if (given == nullptr || std::strcmp(given, "true") == 0) return std::string("true");
  if (std::strcmp(given, "false") == 0) return std::string("false");
  return UsageError(absl::StrCat("--", option.name, ": \"", base::Printable(given, 64),
                                 "\": is neither true nor false"));
}

}  // namespace

absl::StatusOr<Invocation> ParseCommandLine(const Program& program, int argc, char** argv) {
  const Grammar grammar(program);
  Invocation invocation;
  opterr = 0;
  optind = 0;  // glibc: start anew, also in mid-cluster
  for (;;) {
    const int word = std::max(optind, 1);
    int reported =
        ::getopt_long(argc, argv, grammar.letters.c_str(), grammar.names.data(), nullptr);
    if (reported == -1) break;
    if (reported == kOperand) {
      invocation.operands_.push_back(optarg);
      continue;
    }
    if (reported == '?') {
      const bool is_long = absl::StartsWith(argv[word], "--");
      // getopt takes unique prefixes of names; a name that is not whole is refused below.
      return UnknownOption(program,
                           is_long ? std::string(argv[word])
                                   : absl::StrCat("-", std::string(1, static_cast<char>(optopt))));
    }
    if (reported == ':') {
      const Option* option = Lookup(program, optopt);
      return UsageError(
          absl::StrCat("--", option != nullptr ? option->name : "?", ": a value is missing"));
    }
    if (reported != 0 && reported == program.help_letter) reported = kHelp;
    if (reported != 0 && reported == program.version_letter) reported = kVersion;
    std::string name = reported == kHelp ? "help" : "version";
    if (const Option* option = Lookup(program, reported)) name = option->name;
    const absl::string_view spelled = argv[word];
    if (absl::StartsWith(spelled, "--") && spelled.substr(2, spelled.find('=') - 2) != name) {
      return UnknownOption(program, spelled);  // an abbreviation
    }
    if (reported == kHelp || reported == kVersion) {
      invocation.given_[name] = {optarg != nullptr ? optarg : ""};
      return invocation;
    }
    const Option& option = *Lookup(program, reported);
    auto value = ValueOf(option, optarg);
    if (!value.ok()) return value.status();
    std::vector<std::string>& values = invocation.given_[name];
    if (option.takes != Takes::kList && !values.empty() && !program.last_wins) {
      return UsageError(absl::StrCat("--", option.name, ": is given twice"));
    }
    if (const absl::Status set = SetFlag(option, *value); !set.ok()) return set;
    values.push_back(*std::move(value));
  }
  invocation.after_dashes_ = optind > 1 && std::strcmp(argv[optind - 1], "--") == 0;
  for (int i = optind; i < argc; ++i) invocation.operands_.push_back(argv[i]);
  return invocation;
}

bool Invocation::Has(absl::string_view option) const {
  const auto found = given_.find(option);
  return found != given_.end() && found->second.back() != "false";
}

std::string Invocation::Get(absl::string_view option) const {
  const auto found = given_.find(option);
  return found == given_.end() ? "" : found->second.back();
}

std::vector<std::string> Invocation::List(absl::string_view option) const {
  const auto found = given_.find(option);
  return found == given_.end() ? std::vector<std::string>() : found->second;
}

}  // namespace stave::cli
