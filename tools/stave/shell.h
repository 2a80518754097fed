// SPDX-License-Identifier: Apache-2.0
//
// A plan as a script for a POSIX shell, which does what performing it does.

#ifndef STAVE_TOOLS_STAVE_SHELL_H_
#define STAVE_TOOLS_STAVE_SHELL_H_

#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "tools/stave/plan.h"

namespace stave::tools {

// `word` as the shell reads it back, byte for byte: as it is, or between single quotes.
std::string ShellWord(absl::string_view word);

// The script, with a newline at its end. `spelled` gives what a program is called by: its name
// where the shell finds it, else its path.
std::string PlanAsShell(const Plan& plan,
                        const std::function<std::string(const std::string& program)>& spelled);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_STAVE_SHELL_H_
