// SPDX-License-Identifier: Apache-2.0
//
// Help in Docker's shape, and the tables as text for manual page and completion. `tool` is what the
// program was called as: stave, or docker.

#ifndef STAVE_TOOLS_STAVE_USAGE_H_
#define STAVE_TOOLS_STAVE_USAGE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tools/stave/verb.h"

namespace stave::tools {

using VerbTables = absl::Span<const absl::Span<const Verb>>;

// The flags that every command has.
absl::Span<const Flag> CommonFlags();

// "Usage:  stave rm [OPTIONS] CONTAINER [CONTAINER...]", and where more is to be read; what follows
// an error. `name` as it was typed: "container rm".
std::string UsageLines(absl::string_view tool, absl::string_view name, const Verb& verb);

// What `stave NAME --help` prints.
std::string VerbHelp(absl::string_view tool, absl::string_view name, const Verb& verb);

// What `stave --help` prints; with a noun, what `stave NOUN --help` does: its commands.
std::string ToolHelp(absl::string_view tool, absl::string_view noun, VerbTables tables);

// What --help=man and --help=complete print. In the latter a line "~container rm<TAB>rm" follows
// the options of a command for each other name of it.
std::string ManualText(VerbTables tables);
std::string CompletionText(VerbTables tables);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_STAVE_USAGE_H_
