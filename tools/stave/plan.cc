// SPDX-License-Identifier: Apache-2.0
#include "tools/stave/plan.h"

#include <utility>

#include "libs/base/error.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"

namespace stave::tools {
namespace {

json::Value StageAsJson(const Stage& stage, bool last) {
  const bool pipe = !last && stage.next == Join::kPipe;
  const char* output = stage.drops_output ? "null" : pipe ? "pipe" : "inherited";
  json::Value value = json::Value::Object({{"program", json::Value::String(stage.program)},
                                           {"args", json::Value::Strings(stage.args)},
                                           {"stdout", json::Value::String(output)}});
  if (last) {
    value.Set("inPlace", json::Value::Bool(true));
  } else if (!pipe) {
    value.Set("then", json::Value::String(stage.next == Join::kAnd ? "and" : "always"));
  }
  return value;
}

}  // namespace

absl::StatusOr<std::string> PlanAsJson(const Plan& plan) {
  json::Value value = json::Value::Object({{"version", json::Value::Number(1)}});
  if (!plan.question.empty()) value.Set("question", json::Value::String(plan.question));
  if (plan.keeps_stdin) value.Set("stdin", json::Value::Number(3));
  json::Value stages = json::Value::Array();
  for (const Stage& stage : plan.stages) {
    stages.elements().push_back(StageAsJson(stage, &stage == &plan.stages.back()));
  }
  value.Set("stages", std::move(stages));
  const std::string text = json::Print(value);
  if (json::Parse(text).ok()) return text + "\n";
  return base::Error(absl::StatusCode::kInvalidArgument, "E_USAGE",
                     "--explain=json: an argument is no UTF-8, which JSON cannot hold");
}

}  // namespace stave::tools
