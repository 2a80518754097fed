// SPDX-License-Identifier: Apache-2.0
//
// What the last lines of a payload's log give away of why it has failed: the words of strerror(3),
// of loaders and of shells. A clue, not a proof: it is asked for only where the payload has ended
// by itself and with a failure. And the seccomp profile that a denied call is looked up in.

#ifndef STAVE_TOOLS_PS_WHY_CLUE_H_
#define STAVE_TOOLS_PS_WHY_CLUE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "libs/json/value.h"

namespace stave::tools {

struct Clue {
  // "missing-library", "disk-full", "read-only", "crlf", "architecture", "address-in-use",
  // "no-fork", "not-permitted" (EPERM), "denied" (EACCES).
  std::string cause;
  std::string line;  // that says so
};

// The clue of the latest line that has one.
std::optional<Clue> FindClue(const std::vector<std::string>& log);

// The system call that `line` names and the profile (linux.seccomp) does not permit; "" if there is
// none.
std::string DeniedCallIn(absl::string_view line, const json::Value& seccomp);

// The system calls that end their caller, by that profile.
std::vector<std::string> KillingCalls(const json::Value& seccomp);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_PS_WHY_CLUE_H_
