// SPDX-License-Identifier: Apache-2.0
//
// Asking the person at the terminal, whatever stdin and stdout are.

#ifndef STAVE_TOOLS_REGISTRY_LOGIN_PROMPT_H_
#define STAVE_TOOLS_REGISTRY_LOGIN_PROMPT_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/base/unique_fd.h"

namespace stave::tools {

enum class Echo { kOn, kOff };

// For a process with one thread.
class Prompt {
 public:
  // /dev/tty. Errors: FailedPrecondition [E_NO_TTY] if there is no terminal.
  static absl::StatusOr<Prompt> Open();

  // Shows `text` and returns the line that is typed, without its end. Signals that end or stop the
  // process (INT, TERM, HUP, QUIT, TSTP) do so with the terminal as it was before.
  // Errors: FailedPrecondition [E_NO_TTY] if nothing is typed but the end of file, or 4096 bytes
  // without an end of line; those of the terminal.
  absl::StatusOr<std::string> Ask(absl::string_view text, Echo echo);

 private:
  explicit Prompt(base::UniqueFd terminal) : terminal_(std::move(terminal)) {}
  absl::StatusOr<std::string> ReadLine(absl::string_view text, Echo echo, int signals);

  base::UniqueFd terminal_;
};

}  // namespace stave::tools

#endif  // STAVE_TOOLS_REGISTRY_LOGIN_PROMPT_H_
