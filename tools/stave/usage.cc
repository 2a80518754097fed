// SPDX-License-Identifier: Apache-2.0
#include "tools/stave/usage.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/cli/help.h"
#include "libs/cli/program.h"

namespace stave::tools {
namespace {

using cli::Takes;

constexpr size_t kNameColumn = 14;

constexpr Flag kCommon[] = {
    {{"explain", 0, Takes::kNothing, "json", "only print its pipeline, or with =json its plan"}},
    {{"help", 0, Takes::kNothing, "what", "print this help"}},
};

constexpr struct {
  const char *noun, *purpose;
} kNouns[] = {
    {"container", "the commands about containers"},
    {"image", "the commands about images"},
    {"system", "the commands about this machine and its store"},
};

std::string Sentence(absl::string_view text) {
  std::string sentence(text);
  sentence[0] = absl::ascii_toupper(sentence[0]);
  return sentence;
}

// What help and completion show of the flags, as Docker sorts them.
std::vector<cli::Option> Options(const Verb& verb) {
  std::vector<cli::Option> options;
  for (const Flag& flag : verb.flags) {
    if (flag.to != To::kHidden) options.push_back(flag.option);
  }
  for (const Flag& flag : kCommon) {
    options.push_back(flag.option);
    options.back().value = "";
  }
  std::sort(options.begin(), options.end(), [](const cli::Option& a, const cli::Option& b) {
    return absl::string_view(a.name) < b.name;
  });
  return options;
}

// "Usage:  " and the forms of the command.
std::string Usage(absl::string_view tool, absl::string_view name, const Verb& verb) {
  std::string text;
  for (const absl::string_view form : absl::StrSplit(verb.synopsis, '\n')) {
    absl::StrAppend(&text, text.empty() ? "Usage:  " : "        ", tool, " ", name,
                    form.empty() ? "" : " ", form, "\n");
  }
  return text;
}

std::string Line(absl::string_view name, absl::string_view purpose) {
  const size_t gap = std::max(kNameColumn, name.size() + 1) - name.size();
  return absl::StrCat("  ", name, std::string(gap, ' '), Sentence(purpose), "\n");
}

// The verb's name below `noun` ("": at the top), or "".
absl::string_view NameBelow(absl::string_view noun, const Verb& verb) {
  for (const absl::string_view name : NamesOf(verb)) {
    const size_t space = name.find(' ');
    if (noun.empty() ? space == name.npos : name.substr(0, space) == noun && space != name.npos) {
      return noun.empty() ? name : name.substr(space + 1);
    }
  }
  return "";
}

// What the names are of that complete the operands.
const char* OperandKind(const Verb& verb) {
  const absl::string_view forms = verb.synopsis;
  if (absl::StrContains(forms, "NAME|ID")) return "any";
  if (absl::StrContains(forms, "CONTAINER")) return "container";
  if (absl::StrContains(forms, "IMAGE") || absl::StrContains(forms, "REPOSITORY")) return "image";
  return "";
}

}  // namespace

absl::Span<const Flag> CommonFlags() { return kCommon; }

std::string UsageLines(absl::string_view tool, absl::string_view name, const Verb& verb) {
  return absl::StrCat("\n", Usage(tool, name, verb), "\nRun '", tool, " ", name,
                      " --help' for more information\n");
}

std::string VerbHelp(absl::string_view tool, absl::string_view name, const Verb& verb) {
  std::string text = absl::StrCat(Usage(tool, name, verb), "\n", Sentence(verb.purpose), "\n");
  const std::vector<absl::string_view> names = NamesOf(verb);
  if (names.size() > 1) {
    text += "\nAliases:\n ";
    for (const absl::string_view alias : names) {
      absl::StrAppend(&text, " ", tool, " ", alias, alias == names.back() ? "\n" : ",");
    }
  }
  return absl::StrCat(text, "\nOptions:\n", cli::OptionsHelp(Options(verb)));
}

std::string ToolHelp(absl::string_view tool, absl::string_view noun, VerbTables tables) {
  std::string text = absl::StrCat("Usage:  ", tool, noun.empty() ? "" : " ", noun,
                                  noun.empty() ? " [OPTIONS]" : "", " COMMAND\n\n");
  text += noun.empty() ? "Containers without a daemon\n\nCommands of a subject:\n" : "";
  for (const auto& [name, purpose] : kNouns) {
    if (noun.empty()) text += Line(name, purpose);
    if (noun == name) absl::StrAppend(&text, Sentence(purpose), "\n");
  }
  text += "\nCommands:\n";
  for (const auto table : tables) {
    for (const Verb& verb : table) {
      const absl::string_view name = NameBelow(noun, verb);
      if (!name.empty()) text += Line(name, verb.purpose);
    }
  }
  if (noun.empty()) {
    text += "\nOptions:\n";
    text += cli::OptionsHelp({{{"explain", 0, Takes::kNothing, "", kCommon[0].option.help},
                               {"help", 0, Takes::kNothing, "", "print this help"},
                               {"version", 'v', Takes::kNothing, "", "print the version"}}});
  }
  return absl::StrCat(text, "\nRun '", tool, noun.empty() ? "" : " ", noun,
                      " COMMAND --help' for more information on a command.\n");
}

std::string ManualText(VerbTables tables) {
  std::string text;
  for (const auto table : tables) {
    for (const Verb& verb : table) {
      const std::vector<cli::Option> options = Options(verb);
      const cli::Program program = {.name = verb.names,
                                    .purpose = verb.purpose,
                                    .synopsis = verb.synopsis,
                                    .options = options};
      text += cli::ManualCommand(program, NamesOf(verb)[0]);
    }
  }
  return text;
}

std::string CompletionText(VerbTables tables) {
  const cli::Option own[] = {
      {"explain", 0, Takes::kNothing, "", kCommon[0].option.help},
  };
  std::string text = cli::CompletionTable(
      {.name = "", .purpose = "", .synopsis = "", .options = own, .version_letter = 'v'});
  for (const auto table : tables) {
    for (const Verb& verb : table) {
      const std::vector<absl::string_view> names = NamesOf(verb);
      absl::StrAppend(&text, "=", names[0], "\t", verb.purpose, "\t", OperandKind(verb), "\n",
                      cli::CompletionLines(Options(verb)));
      for (size_t i = 1; i < names.size(); ++i) {
        absl::StrAppend(&text, "~", names[i], "\t", names[0], "\n");
      }
    }
  }
  return text;
}

}  // namespace stave::tools
