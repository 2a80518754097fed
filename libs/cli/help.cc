// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/help.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace stave::cli {
namespace {

constexpr size_t kColumns = 80;
constexpr size_t kHelpColumn = 28;

constexpr Option kCommon[] = {
    {"help", 0, Takes::kNothing, "", "print this help and exit"},
    {"version", 0, Takes::kNothing, "", "print the version and exit"},
};

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

}  // namespace

std::string HelpText(const Program& program) {
  std::string out;
  for (const absl::string_view form : absl::StrSplit(program.synopsis, '\n')) {
    absl::StrAppend(&out, out.empty() ? "Usage: " : "       ", program.name, " ", form, "\n");
  }
  out += "\n";
  std::string purpose = program.purpose;
  if (!purpose.empty() && purpose[0] >= 'a' && purpose[0] <= 'z') purpose[0] -= 'a' - 'A';
  AppendWrapped(absl::StrCat(purpose, "."), 0, &out);
  for (const std::string& group : Groups(program)) {
    absl::StrAppend(&out, "\n", group.empty() ? "Options" : group, ":\n");
    for (const Option& option : program.options) {
      if (group == option.group) AppendOption(option, &out);
    }
  }
  out += "\n";
  for (const Option& option : kCommon) AppendOption(option, &out);
  absl::StrAppend(&out, "\nFor more details see ", program.name, "(1).\n");
  return out;
}

std::string ManualOptions(const Program& program) {
  std::string out;
  for (const std::string& group : Groups(program)) {
    if (!group.empty()) absl::StrAppend(&out, "## ", group, "\n\n");
    for (const Option& option : program.options) {
      if (group != option.group) continue;
      if (option.letter != 0) absl::StrAppend(&out, "*-", std::string(1, option.letter), "*, ");
      absl::StrAppend(&out, "*--", option.name, "*");
      if (option.takes != Takes::kNothing) {
        absl::StrAppend(&out, " _", absl::StrReplaceAll(option.value, {{"_", "-"}}), "_");
      }
      std::string help = option.help;
      if (!help.empty() && help[0] >= 'a' && help[0] <= 'z') help[0] -= 'a' - 'A';
      absl::StrAppend(&out, "\n\t", Scdoc(help), ".\n\n");
    }
  }
  for (const Option& option : kCommon) {
    std::string help = option.help;
    help[0] -= 'a' - 'A';
    absl::StrAppend(&out, "*--", option.name, "*\n\t", help, ".\n\n");
  }
  return out;
}

std::string CompletionTable(const Program& program) {
  std::string out;
  const auto add = [&out](const Option& option) {
    static const char* const kTakes[] = {"nothing", "value", "list"};
    absl::StrAppend(&out, "--", option.name, "\t",
                    option.letter != 0 ? absl::StrCat("-", std::string(1, option.letter)) : "",
                    "\t", kTakes[static_cast<int>(option.takes)], "\t", option.value, "\t",
                    option.help, "\n");
  };
  for (const Option& option : program.options) add(option);
  for (const Option& option : kCommon) add(option);
  return out;
}

}  // namespace stave::cli
