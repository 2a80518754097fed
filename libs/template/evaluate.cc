// SPDX-License-Identifier: Apache-2.0
#include "libs/template/evaluate.h"

#include <algorithm>
#include <optional>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/template/quote.h"

namespace stave::templates {
namespace {

using Kind = Value::Kind;
using Type = Node::Type;

absl::string_view ParameterName(Parameter parameter) {
  switch (parameter) {
    case Parameter::kAny:
      return "interface {}";
    case Parameter::kReflect:
      return "reflect.Value";
    case Parameter::kString:
      return "string";
    case Parameter::kInt:
      return "int";
    case Parameter::kStrings:
      return "[]string";
  }
  return "";
}

// The type that a receiver has for errors: of what lies in a box that of the box.
std::string ReceiverType(const Value& receiver) {
  return receiver.boxed() ? "interface {}" : receiver.TypeName();
}

// How much memory a result takes, nearly.
size_t Weight(const Value& value) {
  return value.kind() == Kind::kString ? value.size() : value.size() * sizeof(Value);
}

}  // namespace

absl::Status Evaluator::Error(absl::string_view why, absl::StatusCode code) const {
  return base::Error(code, code == absl::StatusCode::kResourceExhausted ? "E_LIMIT" : "E_TEMPLATE",
                     absl::StrCat("template: ", LocateNode(parsed_, *node_), ": executing ",
                                  GoQuote(scope_.name), " at <", DescribeNode(*node_), ">: ", why));
}

absl::Status Evaluator::LimitError(absl::string_view why) const {
  return Error(why, absl::StatusCode::kResourceExhausted);
}

absl::Status Evaluator::Enter() {
  if (++depth_ > kMaxDepth) {
    return LimitError(absl::StrCat("exceeded maximum template depth (", kMaxDepth, ")"));
  }
  if (++steps_ > kMaxSteps) return LimitError("the template goes on for too long");
  return absl::OkStatus();
}

absl::Status Evaluator::SetVariable(absl::string_view name, const Value& value) {
  auto& variables = scope_.variables;
  const auto at = std::find_if(variables.rbegin(), variables.rend(),
                               [name](const auto& variable) { return variable.first == name; });
  if (at == variables.rend()) return Error(absl::StrCat("undefined variable: ", name));
  at->second = value;
  return absl::OkStatus();
}

absl::StatusOr<Value> Evaluator::Pipeline(const Value& dot, const Node& pipe) {
  At(pipe);
  STAVE_RETURN_IF_ERROR(Enter());
  std::optional<Value> value;
  for (const NodePtr& command : pipe.children) {
    STAVE_ASSIGN_OR_RETURN(Value result,
                           Command(dot, *command, value.has_value() ? &*value : nullptr));
    value = result.boxed() ? result.Unboxed() : std::move(result);
  }
  for (const std::string& name : pipe.names) {
    if (pipe.assigns) {
      STAVE_RETURN_IF_ERROR(SetVariable(name, *value));
    } else {
      scope_.variables.emplace_back(name, *value);
    }
  }
  Leave();
  return *std::move(value);
}

absl::StatusOr<Value> Evaluator::Command(const Value& dot, const Node& command, const Value* last) {
  const Node& first = *command.children[0];
  const Arguments arguments = {absl::MakeConstSpan(command.children).subspan(1), last};
  switch (first.type) {
    case Type::kField:
      At(first);
      return Fields(dot, dot, first, first.names, arguments);
    case Type::kChain:
      return Chain(dot, first, arguments);
    case Type::kIdentifier:
      return Function(dot, first, command, arguments);
    case Type::kVariable:
      return Variable(dot, first, arguments);
    case Type::kPipe:
      STAVE_RETURN_IF_ERROR(NoArguments(first, arguments));
      return Pipeline(dot, first);
    default:
      At(first);
      STAVE_RETURN_IF_ERROR(NoArguments(first, arguments));
      return Term(dot, first);
  }
}

absl::Status Evaluator::NoArguments(const Node& term, const Arguments& arguments) const {
  if (!arguments.any()) return absl::OkStatus();
  return Error(absl::StrCat("can't give argument to non-function ", DescribeNode(term)));
}

absl::StatusOr<Value> Evaluator::Term(const Value& dot, const Node& term) {
  switch (term.type) {
    case Type::kDot:
      return dot;
    case Type::kBool:
    case Type::kString:
      return term.constant;
    case Type::kNumber:
      return Constant(term);
    default:
      return Error("nil is not a command");
  }
}

absl::StatusOr<Value> Evaluator::Constant(const Node& number) {
  At(number);
  const absl::string_view text = number.text;
  const bool is_hex = (absl::StartsWith(text, "0x") || absl::StartsWith(text, "0X")) &&
                      text.find_first_of("pP") == absl::string_view::npos;
  if (number.number.real && !is_hex && text[0] != '\'' &&
      text.find_first_of(".eEpP") != absl::string_view::npos) {
    return Value::Float(*number.number.real);
  }
  if (number.number.integer) return Value::Int(*number.number.integer);
  return Error(absl::StrCat(text, " overflows int"));
}

absl::StatusOr<Value> Evaluator::Variable(const Value& dot, const Node& variable,
                                          const Arguments& arguments) {
  At(variable);
  const auto& variables = scope_.variables;
  const auto at =
      std::find_if(variables.rbegin(), variables.rend(),
                   [&variable](const auto& other) { return other.first == variable.names[0]; });
  if (at == variables.rend()) {
    return Error(absl::StrCat("undefined variable: ", variable.names[0]));
  }
  if (variable.names.size() > 1) {
    return Fields(dot, at->second, variable, absl::MakeConstSpan(variable.names).subspan(1),
                  arguments);
  }
  STAVE_RETURN_IF_ERROR(NoArguments(variable, arguments));
  return at->second;
}

absl::StatusOr<Value> Evaluator::Chain(const Value& dot, const Node& chain,
                                       const Arguments& arguments) {
  At(chain);
  const Node& term = *chain.children[0];
  STAVE_ASSIGN_OR_RETURN(Value receiver, Argument(dot, Parameter::kReflect, term));
  return Fields(dot, std::move(receiver), chain, chain.names, arguments);
}

absl::StatusOr<Value> Evaluator::Fields(const Value& dot, Value receiver, const Node& node,
                                        absl::Span<const std::string> names,
                                        const Arguments& arguments) {
  for (size_t i = 0; i + 1 < names.size(); ++i) {
    STAVE_ASSIGN_OR_RETURN(receiver, Field(dot, receiver, node, names[i], {}));
  }
  return Field(dot, receiver, node, names.back(), arguments);
}

absl::StatusOr<Value> Evaluator::Field(const Value& dot, const Value& receiver, const Node& node,
                                       const std::string& name, const Arguments& arguments) {
  switch (receiver.kind()) {
    case Kind::kMissing:
      if (missing_key_ == MissingKey::kNoValue) return Value();
      return Error(absl::StrCat("nil data; no entry for key ", GoQuote(name)),
                   absl::StatusCode::kNotFound);
    case Kind::kNull:
    case Kind::kNilPointer:
      return Error(absl::StrCat("nil pointer evaluating ", ReceiverType(receiver), ".", name));
    case Kind::kStruct:
      return StructField(dot, receiver, node, name, arguments);
    case Kind::kMap:
      if (receiver.key_type() == "string") return MapEntry(receiver, name, arguments);
      break;
    default:
      break;
  }
  return UnknownField(receiver, name);
}

absl::Status Evaluator::UnknownField(const Value& receiver, absl::string_view name) const {
  return Error(absl::StrCat("can't evaluate field ", name, " in type ", ReceiverType(receiver)),
               absl::StatusCode::kNotFound);
}

absl::StatusOr<Value> Evaluator::StructField(const Value& dot, const Value& receiver,
                                             const Node& node, const std::string& name,
                                             const Arguments& arguments) {
  const StructType& type = *receiver.struct_type();
  for (size_t i = 0; i < type.methods.size(); ++i) {
    if (type.methods[i].name != name) continue;
    const auto& parameters = type.methods[i].parameters;
    STAVE_RETURN_IF_ERROR(CheckCount(name, parameters.size(), false, arguments));
    STAVE_ASSIGN_OR_RETURN(const std::vector<Value> values, Evaluate(dot, parameters, arguments));
    return Finish(name, node, receiver.struct_data()->Call(i, values));
  }
  const auto at = std::find(type.fields.begin(), type.fields.end(), name);
  if (at == type.fields.end()) return UnknownField(receiver, name);
  if (type.is_row) {
    STAVE_RETURN_IF_ERROR(CheckCount(name, 0, false, arguments));
  } else if (arguments.any()) {
    return Error(absl::StrCat(name, " has arguments but cannot be invoked as function"));
  }
  return receiver.struct_data()->Field(static_cast<size_t>(at - type.fields.begin()));
}

absl::StatusOr<Value> Evaluator::MapEntry(const Value& map, const std::string& name,
                                          const Arguments& arguments) const {
  if (arguments.any()) {
    return Error(absl::StrCat(name, " is not a method but has arguments"));
  }
  if (const Value* member = map.Find(name)) return *member;
  if (missing_key_ == MissingKey::kNoValue) return Value();
  return Error(absl::StrCat("map has no entry for key ", GoQuote(name)),
               absl::StatusCode::kNotFound);
}

absl::StatusOr<Value> Evaluator::Function(const Value& dot, const Node& identifier, const Node& at,
                                          const Arguments& arguments) {
  At(identifier);
  const std::string& name = identifier.text;
  const auto found = functions_.find(name);
  if (found == functions_.end()) {
    return Error(absl::StrCat(GoQuote(name), " is not a defined function"));
  }
  const templates::Function& function = found->second;
  STAVE_RETURN_IF_ERROR(CheckCount(name, function.parameters.size(), function.variadic, arguments));
  if (name == "and" || name == "or") return AndOr(dot, name == "or", arguments);
  STAVE_ASSIGN_OR_RETURN(const std::vector<Value> values,
                         Evaluate(dot, function.parameters, arguments));
  return Finish(name, at, function.call(values));
}

// The first argument whose truth is `stop_at`, else the last one.
absl::StatusOr<Value> Evaluator::AndOr(const Value& dot, bool stop_at, const Arguments& arguments) {
  Value value;
  for (const NodePtr& node : arguments.nodes) {
    STAVE_ASSIGN_OR_RETURN(value, Argument(dot, Parameter::kReflect, *node));
    if (value.IsTrue() == stop_at) return value;
  }
  return arguments.last != nullptr ? *arguments.last : value;
}

absl::Status Evaluator::CheckCount(absl::string_view name, size_t wanted, bool variadic,
                                   const Arguments& arguments) const {
  const size_t got = arguments.nodes.size() + (arguments.last != nullptr ? 1 : 0);
  if (variadic ? got + 1 >= wanted : got == wanted) return absl::OkStatus();
  return Error(absl::StrCat("wrong number of args for ", name, ": want ",
                            variadic ? "at least " : "", variadic ? wanted - 1 : wanted, " got ",
                            variadic ? arguments.nodes.size() : got));
}

absl::StatusOr<std::vector<Value>> Evaluator::Evaluate(const Value& dot,
                                                       absl::Span<const Parameter> parameters,
                                                       const Arguments& arguments) {
  const auto parameter = [parameters](size_t i) {
    return parameters[std::min(i, parameters.size() - 1)];
  };
  std::vector<Value> values;
  values.reserve(arguments.nodes.size() + 1);
  for (const NodePtr& node : arguments.nodes) {
    STAVE_ASSIGN_OR_RETURN(Value value, Argument(dot, parameter(values.size()), *node));
    values.push_back(std::move(value));
  }
  if (arguments.last != nullptr) {
    STAVE_ASSIGN_OR_RETURN(Value value, Fit(*arguments.last, parameter(values.size())));
    values.push_back(std::move(value));
  }
  return values;
}

absl::StatusOr<Value> Evaluator::Finish(absl::string_view name, const Node& at,
                                        absl::StatusOr<Value> result) {
  if (!result.ok()) {
    At(at);
    const bool limit = absl::IsResourceExhausted(result.status());
    return Error(absl::StrCat("error calling ", name, ": ", result.status().message()),
                 limit ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kInvalidArgument);
  }
  made_ += Weight(*result);
  if (made_ > kMaxMade) return LimitError("functions make too much");
  return result;
}

absl::StatusOr<Value> Evaluator::Argument(const Value& dot, Parameter parameter, const Node& node) {
  At(node);
  STAVE_RETURN_IF_ERROR(Enter());
  const absl::Cleanup leave = [this] { Leave(); };
  absl::StatusOr<Value> value;
  switch (node.type) {
    case Type::kDot:
      return Fit(dot, parameter);
    case Type::kField:
      value = Fields(dot, dot, node, node.names, {});
      break;
    case Type::kVariable:
      value = Variable(dot, node, {});
      break;
    case Type::kPipe:
      value = Pipeline(dot, node);
      break;
    case Type::kIdentifier:
      value = Function(dot, node, node, {});
      break;
    case Type::kChain:
      value = Chain(dot, node, {});
      break;
    default:
      return LiteralArgument(parameter, node);
  }
  STAVE_RETURN_IF_ERROR(value.status());
  return Fit(*std::move(value), parameter);
}

absl::StatusOr<Value> Evaluator::LiteralArgument(Parameter parameter, const Node& node) {
  const bool is_nil = node.type == Type::kNil;
  switch (parameter) {
    case Parameter::kString:
      if (node.type == Type::kString) return node.constant;
      if (is_nil) break;
      return Error(absl::StrCat("expected string; found ", DescribeNode(node)));
    case Parameter::kInt:
      if (node.type == Type::kNumber && node.number.integer) {
        return Value::Int(*node.number.integer);
      }
      if (is_nil) break;
      return Error(absl::StrCat("expected integer; found ", DescribeNode(node)));
    case Parameter::kStrings:
      if (is_nil) return Value::Strings({}).AsNil();
      return Error(absl::StrCat("can't handle ", DescribeNode(node), " for arg of type []string"));
    default:
      return is_nil ? Value() : Term(Value(), node);
  }
  return Error(absl::StrCat("cannot assign nil to ", ParameterName(parameter)));
}

absl::StatusOr<Value> Evaluator::Fit(Value value, Parameter parameter) const {
  if (parameter == Parameter::kReflect) return value;
  if (parameter == Parameter::kAny) return value.boxed() ? value.Unboxed() : value;
  const absl::string_view expected = ParameterName(parameter);
  if (value.kind() == Kind::kMissing) {
    if (parameter == Parameter::kStrings) return Value::Strings({}).AsNil();
    return Error(absl::StrCat("invalid value; expected ", expected));
  }
  if (value.boxed() && !value.is_nothing()) value = value.Unboxed();
  const bool fits = parameter == Parameter::kString ? value.kind() == Kind::kString
                    : parameter == Parameter::kInt  ? value.kind() == Kind::kInt
                                                    : value.TypeName() == "[]string";
  if (fits) return value;
  return Error(absl::StrCat("wrong type for value; expected ", expected, "; got ",
                            value.is_nothing() ? "interface {}" : value.TypeName()));
}

}  // namespace stave::templates
