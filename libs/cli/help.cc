// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/help.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace stave::cli {
namespace {

constexpr size_t kColumns = 80;
constexpr size_t kHelpColumn = 28;
constexpr size_t kCommandColumn = 14;

std::array<Option, 2> Common(const Program& program) {
  return {{
      {"help", program.help_letter, Takes::kNothing, "", "print this help and exit"},
      {"version", program.version_letter, Takes::kNothing, "", "print the version and exit"},
  }};
}

std::string Spelling(const Option& option) {
  std::string text =
      option.letter != 0 ? absl::StrCat(" -", std::string(1, option.letter), ", ") : "     ";
  absl::StrAppend(&text, "--", option.name);
  if (option.takes != Takes::kNothing) absl::StrAppend(&text, " ", option.value);
  return text;
}

// `text` from column `at` on, broken at spaces before column 80.
void AppendWrapped(absl::string_view text, size_t at, std::string* out) {
  size_t column = at;
  bool first = true;
  for (const absl::string_view word : absl::StrSplit(text, ' ')) {
    if (!first && column + 1 + word.size() > kColumns) {
      absl::StrAppend(out, "\n", std::string(at, ' '));
      column = at;
    } else if (!first) {
      out->push_back(' ');
      ++column;
    }
    absl::StrAppend(out, word);
    column += word.size();
    first = false;
  }
  out->push_back('\n');
}

void AppendOption(const Option& option, std::string* out) {
  std::string line = Spelling(option);
  if (line.size() + 2 > kHelpColumn) {
    absl::StrAppend(out, line, "\n", std::string(kHelpColumn, ' '));
  } else {
    absl::StrAppend(out, line, std::string(kHelpColumn - line.size(), ' '));
  }
  AppendWrapped(option.help, kHelpColumn, out);
}

std::vector<std::string> Groups(const Program& program) {
  std::vector<std::string> groups;
  for (const Option& option : program.options) {
    bool known = false;
    for (const std::string& group : groups) known = known || group == option.group;
    if (!known) groups.push_back(option.group);
  }
  return groups;
}

// scdoc's markup characters, escaped.
std::string Scdoc(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"_", "\\_"}, {"*", "\\*"}});
}

std::string Sentence(absl::string_view text) {
  std::string sentence(text);
  if (!sentence.empty()) sentence[0] = absl::ascii_toupper(sentence[0]);
  return sentence;
}

// Usage and purpose.
std::string HelpHead(const Program& program) {
  std::string out;
  for (const absl::string_view form : absl::StrSplit(program.synopsis, '\n')) {
    absl::StrAppend(&out, out.empty() ? "Usage: " : "       ", program.name, " ", form, "\n");
  }
  out += "\n";
  AppendWrapped(absl::StrCat(Sentence(program.purpose), "."), 0, &out);
  return out;
}

// The options, and where more is to be read.
std::string HelpTail(const Program& program) {
  std::string out;
  for (const std::string& group : Groups(program)) {
    absl::StrAppend(&out, "\n", group.empty() ? "Options" : group, ":\n");
    for (const Option& option : program.options) {
      if (group == option.group) AppendOption(option, &out);
    }
  }
  out += "\n";
  for (const Option& option : Common(program)) AppendOption(option, &out);
  absl::StrAppend(&out, "\nFor more details see ",
                  program.page != nullptr ? program.page : absl::StrCat(program.name, "(1)"),
                  ".\n");
  return out;
}

void AppendManualOption(const Option& option, std::string* out) {
  if (option.letter != 0) absl::StrAppend(out, "*-", std::string(1, option.letter), "*, ");
  absl::StrAppend(out, "*--", option.name, "*");
  if (option.takes != Takes::kNothing) {
    absl::StrAppend(out, " _", absl::StrReplaceAll(option.value, {{"_", "-"}}), "_");
  }
  absl::StrAppend(out, "\n\t", Scdoc(Sentence(option.help)), ".\n\n");
}

void AppendCompletion(const Option& option, std::string* out) {
  static const char* const kTakes[] = {"nothing", "value", "list"};
  absl::StrAppend(out, "--", option.name, "\t",
                  option.letter != 0 ? absl::StrCat("-", std::string(1, option.letter)) : "", "\t",
                  kTakes[static_cast<int>(option.takes)], "\t", option.value, "\t", option.help,
                  "\n");
}

}  // namespace

std::string HelpText(const Program& program) { return HelpHead(program) + HelpTail(program); }

std::string HelpText(const Program& program, absl::Span<const Command> commands) {
  std::string out = HelpHead(program) + "\nCommands:\n";
  for (const Command& command : commands) {
    const std::string name = absl::StrCat("  ", command.name);
    absl::StrAppend(&out, name,
                    std::string(std::max(kCommandColumn, name.size() + 2) - name.size(), ' '));
    AppendWrapped(command.purpose, kCommandColumn, &out);
  }
  return out + HelpTail(program);
}

std::string OptionsHelp(absl::Span<const Option> options) {
  std::string out;
  for (const Option& option : options) AppendOption(option, &out);
  return out;
}

std::string ManualOptions(const Program& program) {
  std::string out;
  for (const std::string& group : Groups(program)) {
    if (!group.empty()) absl::StrAppend(&out, "## ", group, "\n\n");
    for (const Option& option : program.options) {
      if (group == option.group) AppendManualOption(option, &out);
    }
  }
  for (const Option& option : Common(program)) AppendManualOption(option, &out);
  return out;
}

std::string ManualCommand(const Program& program, absl::string_view name) {
  std::string out = absl::StrCat("## ", name, "\n\n");
  for (const absl::string_view form : absl::StrSplit(program.synopsis, '\n')) {
    absl::StrAppend(&out, "*", name, "* ", Scdoc(form), "\n\n");
  }
  absl::StrAppend(&out, Scdoc(Sentence(program.purpose)), ".\n\n");
  for (const Option& option : program.options) AppendManualOption(option, &out);
  return out;
}

std::string CompletionLines(absl::Span<const Option> options) {
  std::string out;
  for (const Option& option : options) AppendCompletion(option, &out);
  return out;
}

std::string CompletionTable(const Program& program) {
  std::string out = CompletionLines(program.options);
  for (const Option& option : Common(program)) AppendCompletion(option, &out);
  return out;
}

}  // namespace stave::cli
