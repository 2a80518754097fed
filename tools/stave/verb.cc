// SPDX-License-Identifier: Apache-2.0
#include "tools/stave/verb.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace stave::tools {
namespace {

void AddFlag(const Given& given, const Flag& flag, Stage* stage) {
  const std::string name = absl::StrCat("--", flag.as != nullptr ? flag.as : flag.option.name);
  if (!given.Has(flag.option.name)) return;
  if (flag.option.takes == cli::Takes::kNothing) {
    stage->args.push_back(name);
    return;
  }
  std::vector<std::string> values = given.List(flag.option.name);
  if (flag.option.takes == cli::Takes::kValue) values.erase(values.begin(), values.end() - 1);
  for (std::string& value : values) {
    stage->args.push_back(name);
    stage->args.push_back(std::move(value));
  }
}

}  // namespace

std::vector<absl::string_view> NamesOf(const Verb& verb) {
  return absl::StrSplit(verb.names, ", ");
}

Stage MakeStage(const Call& call, absl::string_view program, const char* act, To to) {
  Stage stage;
  stage.program = std::string(program);
  if (act != nullptr) stage.args.push_back(act);
  for (const Flag& flag : call.verb.flags) {
    if (flag.to == to) AddFlag(call.given(), flag, &stage);
  }
  return stage;
}

void AddOperands(absl::Span<const std::string> operands, Stage* stage) {
  const bool doubtful = std::any_of(operands.begin(), operands.end(), [](const std::string& word) {
    return absl::StartsWith(word, "-") && word != "-";
  });
  if (doubtful) stage->args.push_back("--");
  stage->args.insert(stage->args.end(), operands.begin(), operands.end());
}

Plan OneStage(Stage stage) {
  Plan plan;
  plan.stages.push_back(std::move(stage));
  return plan;
}

Plan OneStage(const Call& call) {
  Stage stage = MakeStage(call, call.verb.program, call.verb.act);
  AddOperands(call.operands(), &stage);
  return OneStage(std::move(stage));
}

void AskFirst(const Call& call, absl::string_view question, Plan* plan) {
  if (call.given().Has("force")) return;
  plan->question =
      absl::StrCat("WARNING! ", question, "\nAre you sure you want to continue? [y/N] ");
}

}  // namespace stave::tools
