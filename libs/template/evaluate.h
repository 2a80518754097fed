// SPDX-License-Identifier: Apache-2.0
//
// What a pipeline of a template gives: fields, variables, functions and their arguments.

#ifndef STAVE_LIBS_TEMPLATE_EVALUATE_H_
#define STAVE_LIBS_TEMPLATE_EVALUATE_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "libs/template/function.h"
#include "libs/template/tree.h"
#include "libs/template/value.h"

namespace stave::templates {

inline constexpr int kMaxDepth = 400;
inline constexpr size_t kMaxSteps = 20000000;
inline constexpr size_t kMaxMade = size_t{64} << 20;  // bytes of output, and made by functions

class Evaluator {
 public:
  // All that is given must outlive the evaluator.
  Evaluator(const ParsedTemplate& parsed, const Functions& functions, MissingKey missing_key)
      : parsed_(parsed), functions_(functions), missing_key_(missing_key) {}

  // The value of a kPipe; variables that it declares are added. Errors: as Template::Execute.
  absl::StatusOr<Value> Pipeline(const Value& dot, const Node& pipe);

  // Variables, the innermost last. A template of define or block sees only its own.
  struct Scope {
    std::string name;  // of the template
    std::vector<std::pair<std::string, Value>> variables;
  };
  Scope& scope() { return scope_; }
  absl::Status SetVariable(absl::string_view name, const Value& value);

  // The node that errors point to from now on.
  void At(const Node& node) { node_ = &node; }
  absl::Status Error(absl::string_view why,
                     absl::StatusCode code = absl::StatusCode::kInvalidArgument) const;
  absl::Status LimitError(absl::string_view why) const;

  // Around what calls itself. Errors: [E_LIMIT] below kMaxDepth, and after kMaxSteps.
  absl::Status Enter();
  void Leave() { --depth_; }

 private:
  // What follows the name of a function or field in a command.
  struct Arguments {
    absl::Span<const NodePtr> nodes;
    const Value* last = nullptr;  // what comes through the pipe
    bool any() const { return !nodes.empty() || last != nullptr; }
  };

  absl::StatusOr<Value> Command(const Value& dot, const Node& command, const Value* last);
  absl::StatusOr<Value> Term(const Value& dot, const Node& term);
  absl::Status NoArguments(const Node& term, const Arguments& arguments) const;
  absl::StatusOr<Value> Constant(const Node& number);
  absl::StatusOr<Value> Variable(const Value& dot, const Node& variable,
                                 const Arguments& arguments);
  absl::StatusOr<Value> Chain(const Value& dot, const Node& chain, const Arguments& arguments);
  absl::StatusOr<Value> Fields(const Value& dot, Value receiver, const Node& node,
                               absl::Span<const std::string> names, const Arguments& arguments);
  absl::StatusOr<Value> Field(const Value& dot, const Value& receiver, const Node& node,
                              const std::string& name, const Arguments& arguments);
  absl::StatusOr<Value> StructField(const Value& dot, const Value& receiver, const Node& node,
                                    const std::string& name, const Arguments& arguments);
  absl::StatusOr<Value> MapEntry(const Value& map, const std::string& name,
                                 const Arguments& arguments) const;
  absl::Status UnknownField(const Value& receiver, absl::string_view name) const;
  absl::StatusOr<Value> Function(const Value& dot, const Node& identifier, const Node& at,
                                 const Arguments& arguments);
  absl::StatusOr<Value> AndOr(const Value& dot, bool stop_at, const Arguments& arguments);
  absl::Status CheckCount(absl::string_view name, size_t wanted, bool variadic,
                          const Arguments& arguments) const;
  absl::StatusOr<std::vector<Value>> Evaluate(const Value& dot,
                                              absl::Span<const Parameter> parameters,
                                              const Arguments& arguments);
  absl::StatusOr<Value> Finish(absl::string_view name, const Node& at,
                               absl::StatusOr<Value> result);
  absl::StatusOr<Value> Argument(const Value& dot, Parameter parameter, const Node& node);
  absl::StatusOr<Value> LiteralArgument(Parameter parameter, const Node& node);
  absl::StatusOr<Value> Fit(Value value, Parameter parameter) const;

  const ParsedTemplate& parsed_;
  const Functions& functions_;
  MissingKey missing_key_;
  Scope scope_;
  const Node* node_ = nullptr;
  int depth_ = 0;
  size_t steps_ = 0;
  size_t made_ = 0;
};

}  // namespace stave::templates

#endif  // STAVE_LIBS_TEMPLATE_EVALUATE_H_
