// SPDX-License-Identifier: Apache-2.0
//
// A command of stave's: its names, what Docker's users type after it, and the plan that it becomes.

#ifndef STAVE_TOOLS_STAVE_VERB_H_
#define STAVE_TOOLS_STAVE_VERB_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tools/stave/grammar.h"
#include "tools/stave/plan.h"

namespace stave::tools {

struct Verb;

struct Call {
  const Verb& verb;
  Words words;

  const Given& given() const { return words.given; }
  const std::vector<std::string>& operands() const { return words.operands; }
};

using MakePlan = absl::StatusOr<Plan> (*)(const Call& call);

struct Verb {
  const char* names;     // all of them, as "rm, container rm, container remove"
  const char* purpose;   // lower case, no full stop
  const char* synopsis;  // what follows the name, as Docker writes it
  absl::Span<const Flag> flags = {};
  // How many operands there may be; most -1: any number.
  int least = 0, most = 0;
  // The program that does it: with the option `act`, the flags for kLast and the operands. A
  // verb that is more has a plan of its own.
  const char* program = nullptr;
  const char* act = nullptr;
  MakePlan plan = nullptr;
  absl::Span<const Missing> missing = {};
  bool mixed = true;  // flags may follow operands
  int failure = 1;    // exit code of stave's own refusals
  // What may be wrong with operands that are allowed, as a hint; "": nothing.
  std::string (*doubt)(const Call& call) = nullptr;
};

// All names of `verb`, apart.
std::vector<absl::string_view> NamesOf(const Verb& verb);

// `program`, its option `act` unless nullptr, and the flags that are for `to`.
Stage MakeStage(const Call& call, absl::string_view program, const char* act, To to = To::kLast);

// The operands, after "--" where one could be taken for an option.
void AddOperands(absl::Span<const std::string> operands, Stage* stage);

// The one stage of `call.verb`'s program, with its operands.
Plan OneStage(const Call& call);
Plan OneStage(Stage stage);

// `question` is asked unless the flag "force" is given.
void AskFirst(const Call& call, absl::string_view question, Plan* plan);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_STAVE_VERB_H_
