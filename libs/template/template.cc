// SPDX-License-Identifier: Apache-2.0
#include "libs/template/template.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/status_macros.h"
#include "libs/template/evaluate.h"
#include "libs/template/parse.h"
#include "libs/template/printf.h"
#include "libs/template/quote.h"
#include "libs/template/tree.h"

namespace stave::templates {
namespace {

using Kind = Value::Kind;
using Type = Node::Type;

// How a node ended.
enum class Flow { kOn, kBreak, kContinue };

class Walker {
 public:
  Walker(const ParsedTemplate& parsed, const Functions& functions, MissingKey missing_key,
         std::string* out)
      : parsed_(parsed),
        evaluator_(parsed, functions, missing_key),
        out_(out),
        most_(out->size() + kMaxMade) {}

  absl::Status Run(const Value& data) {
    evaluator_.scope() = {parsed_.name, {{"$", data}}};
    return Walk(data, *parsed_.trees.find(parsed_.name)->second).status();
  }

 private:
  absl::StatusOr<Flow> Walk(const Value& dot, const Node& node) {
    evaluator_.At(node);
    STAVE_RETURN_IF_ERROR(evaluator_.Enter());
    absl::StatusOr<Flow> flow = Dispatch(dot, node);
    evaluator_.Leave();
    return flow;
  }

  absl::StatusOr<Flow> Dispatch(const Value& dot, const Node& node) {
    switch (node.type) {
      case Type::kText:
        return Write([&node](std::string* out) { out->append(node.text); });
      case Type::kAction:
        return Action(dot, node);
      case Type::kList:
        return List(dot, node);
      case Type::kIf:
      case Type::kWith:
        return IfOrWith(dot, node);
      case Type::kRange:
        return Range(dot, node);
      case Type::kTemplate:
        return CallTemplate(dot, node);
      case Type::kBreak:
        return Flow::kBreak;
      default:
        return Flow::kContinue;
    }
  }

  template <typename Append>
  absl::StatusOr<Flow> Write(const Append& append) {
    append(out_);
    if (out_->size() > most_) return evaluator_.LimitError("the output is too long");
    return Flow::kOn;
  }

  absl::StatusOr<Flow> Action(const Value& dot, const Node& node) {
    STAVE_ASSIGN_OR_RETURN(const Value value, evaluator_.Pipeline(dot, *node.pipe));
    if (!node.pipe->names.empty()) return Flow::kOn;
    return Write([&value](std::string* out) { AppendShown(value, out); });
  }

  absl::StatusOr<Flow> List(const Value& dot, const Node& node) {
    for (const NodePtr& child : node.children) {
      STAVE_ASSIGN_OR_RETURN(const Flow flow, Walk(dot, *child));
      if (flow != Flow::kOn) return flow;
    }
    return Flow::kOn;
  }

  void Forget(size_t variables) {
    auto& all = evaluator_.scope().variables;
    if (all.size() > variables)
      all.erase(all.begin() + static_cast<std::ptrdiff_t>(variables), all.end());
  }

  absl::StatusOr<Flow> IfOrWith(const Value& dot, const Node& node) {
    const size_t variables = evaluator_.scope().variables.size();
    STAVE_ASSIGN_OR_RETURN(const Value value, evaluator_.Pipeline(dot, *node.pipe));
    absl::StatusOr<Flow> flow = Flow::kOn;
    if (value.IsTrue()) {
      flow = Walk(node.type == Type::kWith ? value : dot, *node.body);
    } else if (node.otherwise != nullptr) {
      flow = Walk(dot, *node.otherwise);
    }
    Forget(variables);
    return flow;
  }

  absl::StatusOr<Flow> Range(const Value& dot, const Node& node) {
    const size_t variables = evaluator_.scope().variables.size();
    STAVE_ASSIGN_OR_RETURN(const Value value, evaluator_.Pipeline(dot, *node.pipe));
    STAVE_ASSIGN_OR_RETURN(const bool any, Iterate(value, node));
    absl::StatusOr<Flow> flow = Flow::kOn;
    if (!any && node.otherwise != nullptr) flow = Walk(dot, *node.otherwise);
    Forget(variables);
    return flow;
  }

  // Walks the body for each element; whether there was one.
  absl::StatusOr<bool> Iterate(const Value& value, const Node& node) {
    bool ended = false;
    switch (value.kind()) {
      case Kind::kList:
        for (size_t i = 0; i < value.elements().size() && !ended; ++i) {
          const Value index = Value::Int(static_cast<int64_t>(i));
          STAVE_ASSIGN_OR_RETURN(ended, Iteration(index, value.elements()[i], node));
        }
        return !value.elements().empty();
      case Kind::kMap:
        for (size_t i = 0; i < value.members().size() && !ended; ++i) {
          const auto& [key, member] = value.members()[i];
          STAVE_ASSIGN_OR_RETURN(ended, Iteration(Value::String(key), member, node));
        }
        return !value.members().empty();
      case Kind::kInt:
        if (node.pipe->names.size() > 1) {
          return evaluator_.Error(absl::StrCat("can't use ", value.integer(),
                                               " to iterate over more than one variable"));
        }
        for (int64_t i = 0; i < value.integer() && !ended; ++i) {
          STAVE_ASSIGN_OR_RETURN(ended, Iteration(Value(), Value::Int(i), node));
        }
        return value.integer() > 0;
      case Kind::kMissing:
      case Kind::kNull:
        return false;
      default:
        break;
    }
    std::string text;
    AppendShown(value, &text);
    return evaluator_.Error(absl::StrCat("range can't iterate over ", text));
  }

  // Walks the body once; whether it was the last time.
  absl::StatusOr<bool> Iteration(const Value& index, const Value& element, const Node& node) {
    const std::vector<std::string>& names = node.pipe->names;
    auto& variables = evaluator_.scope().variables;
    const size_t known = variables.size();
    if (node.pipe->assigns && !names.empty()) {
      STAVE_RETURN_IF_ERROR(evaluator_.SetVariable(names.back(), element));
      if (names.size() > 1) STAVE_RETURN_IF_ERROR(evaluator_.SetVariable(names[0], index));
    } else if (!names.empty()) {
      variables[known - 1].second = element;
      if (names.size() > 1) variables[known - 2].second = index;
    }
    STAVE_ASSIGN_OR_RETURN(const Flow flow, Walk(element, *node.body));
    Forget(known);
    return flow == Flow::kBreak;
  }

  absl::StatusOr<Flow> CallTemplate(const Value& dot, const Node& node) {
    const auto tree = parsed_.trees.find(node.text);
    if (tree == parsed_.trees.end()) {
      return evaluator_.Error(absl::StrCat("template ", GoQuote(node.text), " not defined"));
    }
    Value inner;
    if (node.pipe != nullptr) {
      STAVE_ASSIGN_OR_RETURN(inner, evaluator_.Pipeline(dot, *node.pipe));
    }
    Evaluator::Scope outer = std::move(evaluator_.scope());
    evaluator_.scope() = {node.text, {{"$", inner}}};
    STAVE_RETURN_IF_ERROR(Walk(inner, *tree->second).status());
    evaluator_.scope() = std::move(outer);
    return Flow::kOn;
  }

  const ParsedTemplate& parsed_;
  Evaluator evaluator_;
  std::string* out_;
  size_t most_;  // that `out_` may hold
};

}  // namespace

absl::StatusOr<Template> Template::Parse(absl::string_view name, absl::string_view text,
                                         Functions functions) {
  Template result;
  STAVE_ASSIGN_OR_RETURN(result.parsed_, ParseTemplate(name, text, functions));
  result.functions_ = std::make_shared<const Functions>(std::move(functions));
  return result;
}

absl::Status Template::Execute(const Value& data, std::string* out, MissingKey missing_key) const {
  return Walker(*parsed_, *functions_, missing_key, out).Run(data);
}

Template Template::WithFunctions(Functions functions) const {
  Template result = *this;
  result.functions_ = std::make_shared<const Functions>(std::move(functions));
  return result;
}

}  // namespace stave::templates
