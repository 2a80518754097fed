// SPDX-License-Identifier: Apache-2.0
//
// The option table as text: help for a terminal, the OPTIONS part of a manual page, the table that
// completion scripts are made from.

#ifndef STAVE_LIBS_CLI_HELP_H_
#define STAVE_LIBS_CLI_HELP_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "libs/cli/program.h"

namespace stave::cli {

// What --help prints: usage, purpose, options by group, the manual page's name; 80 columns.
std::string HelpText(const Program& program);

// The same for a program with verbs, which come before the options.
struct Command {
  const char* name;
  const char* purpose;
};
std::string HelpText(const Program& program, absl::Span<const Command> commands);

// The lines of options in it.
std::string OptionsHelp(absl::Span<const Option> options);

// What --help=man prints: scdoc paragraphs, one for each option.
std::string ManualOptions(const Program& program);

// The part of a verb called `name`: heading, usage, purpose, and its own options.
std::string ManualCommand(const Program& program, absl::string_view name);

// What --help=complete prints, a line for each option, fields apart by tabs:
//   --memory  -m  value  SIZE  limit of memory
std::string CompletionTable(const Program& program);
std::string CompletionLines(absl::Span<const Option> options);  // without --help and --version

}  // namespace stave::cli

#endif  // STAVE_LIBS_CLI_HELP_H_
