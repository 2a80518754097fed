// SPDX-License-Identifier: Apache-2.0
//
// Docker's command line, which is that of its flag library:
//
//   -dit --name=web --name web -e A=1 -eA=1 -e=A=1 --rm=false -- IMAGE -x
//
// Clusters of letters; a switch may be given a value only with "="; of a flag that is given again
// the last one counts, but for lists; "--" ends the flags. They may stand between the operands,
// unless the verb runs a command, whose own they would be. A word that begins with the dash that
// web pages make of "--" (U+2013, U+2014) is read as the flag it was, with a warning.

#ifndef STAVE_TOOLS_STAVE_GRAMMAR_H_
#define STAVE_TOOLS_STAVE_GRAMMAR_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "libs/cli/program.h"

namespace stave::tools {

// Which stage a flag is handed to, as an option of the same name, or of the name `as`.
enum class To {
  kNone,    // none: the verb looks at it itself
  kFetch,   // image-fetch
  kLimit,   // cgroup-limit
  kLast,    // the last stage
  kHidden,  // another name of the flag `as`, not in help
};

struct Flag {
  cli::Option option;
  To to = To::kNone;
  const char* as = nullptr;
};

// A flag of Docker's whose act does not exist here: refused by name.
struct Missing {
  const char* name;
  char letter;
  const char* why;
};

// What was typed, by the names of the flags.
class Given {
 public:
  bool Has(absl::string_view flag) const;         // given, and not as false
  bool Off(absl::string_view flag) const;         // a switch, given as false
  std::string Get(absl::string_view flag) const;  // its last value, or ""
  std::vector<std::string> List(absl::string_view flag) const;

  void Turn(absl::string_view flag, bool on) { switches_[std::string(flag)] = on; }
  void Add(absl::string_view flag, absl::string_view value) {
    values_[std::string(flag)].emplace_back(value);
  }
  void Forget(absl::string_view flag) { values_.erase(std::string(flag)); }

 private:
  std::map<std::string, bool, std::less<>> switches_;
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

struct Grammar {
  absl::Span<const Flag> flags;
  absl::Span<const Flag> common;  // of every verb; by their long names only
  absl::Span<const Missing> missing;
  bool mixed = true;  // flags may follow operands
};

struct Words {
  Given given;
  std::vector<std::string> operands;
  std::vector<std::string> warnings;
};

// A text that is empty is as if it were not given, but for the entrypoint's; so is a limit of 0.
// Errors: InvalidArgument [E_USAGE] in Docker's words, such as "unknown flag: --nmae", with a hint
// where a name is nearly right; Unimplemented [E_UNSUPPORTED] for a flag that is missing.
absl::StatusOr<Words> ReadWords(const Grammar& grammar, absl::Span<const std::string> words);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_STAVE_GRAMMAR_H_
