// SPDX-License-Identifier: Apache-2.0
#include "tools/stave/shell.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace stave::tools {
namespace {

constexpr size_t kColumns = 100;

// What no shell gives a meaning in the middle of a command.
bool IsPlain(absl::string_view word) {
  constexpr char kPlain[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  return !word.empty() && word.find_first_not_of(kPlain) == word.npos;
}

std::string Command(const Stage& stage, const std::string& spelled) {
  std::string line = ShellWord(spelled);
  for (const std::string& arg : stage.args) absl::StrAppend(&line, " ", ShellWord(arg));
  if (stage.drops_output) line += " > /dev/null";
  return line;
}

const char* Joint(Join join) {
  switch (join) {
    case Join::kPipe:
      return " |";
    case Join::kAnd:
      return " &&";
    case Join::kAlways:
      break;
  }
  return ";";
}

// The stages, in one line or, where that is long, in a line each.
std::string Stages(const Plan& plan, const std::vector<std::string>& commands,
                   absl::string_view indent) {
  std::string whole(indent), broken(indent);
  for (size_t i = 0; i < commands.size(); ++i) {
    const bool last = i + 1 == commands.size();
    const char* joint = last ? "" : Joint(plan.stages[i].next);
    absl::StrAppend(&whole, commands[i], joint, last ? "" : " ");
    absl::StrAppend(&broken, commands[i], joint,
                    last ? std::string() : absl::StrCat("\n", indent, "  "));
  }
  return (whole.size() <= kColumns ? whole : broken) + "\n";
}

// The last line of the question is left without a newline, for the answer.
std::string Question(absl::string_view question) {
  const size_t at = question.rfind('\n');
  std::string text;
  if (at != question.npos) {
    for (const absl::string_view line : absl::StrSplit(question.substr(0, at), '\n')) {
      absl::StrAppend(&text, "echo ", ShellWord(line), "\n");
    }
    question.remove_prefix(at + 1);
  }
  return absl::StrCat(text, "printf %s ", ShellWord(question), "\nread -r answer\n");
}

}  // namespace

std::string ShellWord(absl::string_view word) {
  if (IsPlain(word)) return std::string(word);
  return absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

std::string PlanAsShell(const Plan& plan,
                        const std::function<std::string(const std::string&)>& spelled) {
  std::vector<std::string> commands;
  for (const Stage& stage : plan.stages) commands.push_back(Command(stage, spelled(stage.program)));
  if (!plan.question.empty()) {
    return absl::StrCat(Question(plan.question), "case $answer in [yY])\n",
                        Stages(plan, commands, "  "), "esac\n");
  }
  if (!plan.keeps_stdin) return Stages(plan, commands, "");
  std::string one = Stages(plan, commands, "");
  if (one.find('\n') + 1 == one.size() && one.size() + 9 <= kColumns) {
    one.pop_back();
    return absl::StrCat("{ ", one, "; } 3<&0\n");
  }
  return absl::StrCat("{\n", Stages(plan, commands, "  "), "} 3<&0\n");
}

}  // namespace stave::tools
