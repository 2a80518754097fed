// SPDX-License-Identifier: Apache-2.0
#include "libs/template/parse.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/template/lex.h"
#include "libs/template/literal.h"
#include "libs/template/quote.h"
#include "libs/template/token_cursor.h"

namespace stave::templates {
namespace {

using Type = Node::Type;
using TokenType = Token::Type;

NodePtr Make(Type type, size_t position) { return std::make_unique<Node>(type, position); }

class Parser : private TokenCursor {
 public:
  Parser(ParsedTemplate* parsed, const Functions& functions)
      : TokenCursor(parsed->name, parsed->text), parsed_(parsed), functions_(functions) {}

  absl::Status Run() {
    NodePtr root = Make(Type::kList, 0);
    while (Peek().type != TokenType::kEof) {
      const size_t start = at();
      if (Next().type == TokenType::kLeftDelimiter && NextNonSpace().type == TokenType::kDefine) {
        STAVE_RETURN_IF_ERROR(ParseDefinition());
        continue;
      }
      GoTo(start);
      STAVE_ASSIGN_OR_RETURN(NodePtr node, TextOrAction());
      if (IsStop(*node)) return Error(absl::StrCat("unexpected ", DescribeNode(*node)));
      root->children.push_back(std::move(node));
    }
    return Add(parsed_->name, std::move(root));
  }

 private:
  // What belongs to one template of define or block.
  struct Scope {
    std::vector<std::string> variables = {"$"};
    int ranges = 0;
  };

  // The list of a block, and what ended it.
  struct Block {
    NodePtr list;
    NodePtr stop;
  };

  static bool IsStop(const Node& node) {
    return node.type == Type::kEnd || node.type == Type::kElse;
  }

  absl::Status Expect(TokenType type, absl::string_view context) {
    const Token& token = NextNonSpace();
    return token.type == type ? absl::OkStatus() : Unexpected(token, context);
  }

  absl::Status Add(const std::string& name, NodePtr root) {
    NodePtr& tree = parsed_->trees[name];
    if (tree == nullptr || IsEmptyTree(*tree)) {
      tree = std::move(root);
    } else if (!IsEmptyTree(*root)) {
      return Error(absl::StrCat("template: multiple definition of template ", GoQuote(name)));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> TemplateName(const Token& token, absl::string_view context) {
    if (token.type != TokenType::kString && token.type != TokenType::kRawString) {
      return Unexpected(token, context);
    }
    std::optional<std::string> name = GoUnquote(token.text);
    if (!name) return Error("invalid syntax");
    return *std::move(name);
  }

  // The list of a define or block up to its end, as a template of its own.
  absl::Status ParseInner(const std::string& name, absl::string_view context) {
    const Scope outer = std::exchange(scope_, Scope());
    const int outer_line = std::exchange(action_line, 0);
    STAVE_ASSIGN_OR_RETURN(Block block, ItemList());
    if (block.stop->type != Type::kEnd) {
      return Error(absl::StrCat("unexpected ", DescribeNode(*block.stop), " in ", context));
    }
    scope_ = outer;
    action_line = outer_line;
    return Add(name, std::move(block.list));
  }

  absl::Status ParseDefinition() {
    constexpr absl::string_view kContext = "define clause";
    STAVE_ASSIGN_OR_RETURN(const std::string name, TemplateName(NextNonSpace(), kContext));
    STAVE_RETURN_IF_ERROR(Expect(TokenType::kRightDelimiter, kContext));
    return ParseInner(name, kContext);
  }

  absl::StatusOr<Block> ItemList() {
    STAVE_RETURN_IF_ERROR(Enter());
    NodePtr list = Make(Type::kList, PeekNonSpace().position);
    while (PeekNonSpace().type != TokenType::kEof) {
      STAVE_ASSIGN_OR_RETURN(NodePtr node, TextOrAction());
      if (IsStop(*node)) {
        Leave();
        return Block{std::move(list), std::move(node)};
      }
      list->children.push_back(std::move(node));
    }
    return Error("unexpected EOF");
  }

  absl::StatusOr<NodePtr> TextOrAction() {
    const Token& token = NextNonSpace();
    if (token.type == TokenType::kText) {
      NodePtr text = Make(Type::kText, token.position);
      text->text = std::string(token.text);
      return text;
    }
    if (token.type != TokenType::kLeftDelimiter) return Unexpected(token, "input");
    action_line = token.line;
    absl::StatusOr<NodePtr> action = Action();
    action_line = 0;
    return action;
  }

  absl::StatusOr<NodePtr> Action() {
    const Token& token = PeekNonSpace();
    const size_t position = token.position;
    const size_t start = at();
    Next();
    switch (token.type) {
      case TokenType::kBlock:
        return BlockControl();
      case TokenType::kBreak:
        return Jump(Type::kBreak, position, "{{break}}");
      case TokenType::kContinue:
        return Jump(Type::kContinue, position, "{{continue}}");
      case TokenType::kElse:
        return ElseControl();
      case TokenType::kEnd:
        STAVE_RETURN_IF_ERROR(Expect(TokenType::kRightDelimiter, "end"));
        return Make(Type::kEnd, position);
      case TokenType::kIf:
        return Control(Type::kIf, "if");
      case TokenType::kRange:
        return Control(Type::kRange, "range");
      case TokenType::kTemplate:
        return TemplateControl();
      case TokenType::kWith:
        return Control(Type::kWith, "with");
      default:
        break;
    }
    GoTo(start);
    NodePtr action = Make(Type::kAction, position);
    STAVE_ASSIGN_OR_RETURN(action->pipe, Pipeline("command", TokenType::kRightDelimiter));
    return action;
  }

  absl::StatusOr<NodePtr> Jump(Type type, size_t position, absl::string_view what) {
    STAVE_RETURN_IF_ERROR(Expect(TokenType::kRightDelimiter, what));
    if (scope_.ranges == 0) return Error(absl::StrCat(what, " outside {{range}}"));
    return Make(type, position);
  }

  // After "else": the rest, unless an "if" or "with" follows, which stays.
  absl::StatusOr<NodePtr> ElseControl() {
    const Token& token = PeekNonSpace();
    NodePtr node = Make(Type::kElse, token.position);
    if (token.type != TokenType::kIf && token.type != TokenType::kWith) {
      STAVE_RETURN_IF_ERROR(Expect(TokenType::kRightDelimiter, "else"));
    }
    return node;
  }

  absl::StatusOr<NodePtr> Control(Type type, absl::string_view context) {
    const size_t variables = scope_.variables.size();
    NodePtr control = Make(type, 0);
    STAVE_ASSIGN_OR_RETURN(control->pipe, Pipeline(context, TokenType::kRightDelimiter));
    control->position = control->pipe->position;
    scope_.ranges += type == Type::kRange ? 1 : 0;
    STAVE_ASSIGN_OR_RETURN(Block block, ItemList());
    scope_.ranges -= type == Type::kRange ? 1 : 0;
    control->body = std::move(block.list);
    if (block.stop->type == Type::kElse) {
      STAVE_ASSIGN_OR_RETURN(control->otherwise, Otherwise(type, context, block.stop->position));
    }
    scope_.variables.resize(variables);
    return control;
  }

  // {{else if x}} is {{else}}{{if x}} with one {{end}} for both.
  absl::StatusOr<NodePtr> Otherwise(Type type, absl::string_view context, size_t position) {
    const TokenType next = Peek().type;
    if ((type == Type::kIf && next == TokenType::kIf) ||
        (type == Type::kWith && next == TokenType::kWith)) {
      Next();
      STAVE_RETURN_IF_ERROR(Enter());
      NodePtr list = Make(Type::kList, position);
      STAVE_ASSIGN_OR_RETURN(NodePtr control, Control(type, context));
      list->children.push_back(std::move(control));
      Leave();
      return list;
    }
    STAVE_ASSIGN_OR_RETURN(Block block, ItemList());
    if (block.stop->type != Type::kEnd) {
      return Error(absl::StrCat("expected end; found ", DescribeNode(*block.stop)));
    }
    return std::move(block.list);
  }

  absl::StatusOr<NodePtr> BlockControl() {
    constexpr absl::string_view kContext = "block clause";
    const Token& token = NextNonSpace();
    NodePtr node = Make(Type::kTemplate, token.position);
    STAVE_ASSIGN_OR_RETURN(node->text, TemplateName(token, kContext));
    STAVE_ASSIGN_OR_RETURN(node->pipe, Pipeline(kContext, TokenType::kRightDelimiter));
    STAVE_RETURN_IF_ERROR(ParseInner(node->text, kContext));
    return node;
  }

  absl::StatusOr<NodePtr> TemplateControl() {
    constexpr absl::string_view kContext = "template clause";
    const Token& token = NextNonSpace();
    NodePtr node = Make(Type::kTemplate, token.position);
    STAVE_ASSIGN_OR_RETURN(node->text, TemplateName(token, kContext));
    if (PeekNonSpace().type == TokenType::kRightDelimiter) {
      Next();
    } else {
      STAVE_ASSIGN_OR_RETURN(node->pipe, Pipeline(kContext, TokenType::kRightDelimiter));
    }
    return node;
  }

  void Declare(const Token& variable, Node* pipe) {
    pipe->names.emplace_back(variable.text);
    scope_.variables.emplace_back(variable.text);
  }

  // "$x :=", "$x =" or "$i, $x :=" at the start of a pipeline.
  absl::Status Declarations(absl::string_view context, Node* pipe) {
    while (PeekNonSpace().type == TokenType::kVariable) {
      const size_t start = at();
      const Token& variable = Next();
      const Token& next = PeekNonSpace();
      if (next.type == TokenType::kAssign || next.type == TokenType::kDeclare) {
        pipe->assigns = next.type == TokenType::kAssign;
        Next();
        Declare(variable, pipe);
        return absl::OkStatus();
      }
      if (next.type != TokenType::kCharacter || next.text != ",") {
        GoTo(start);
        return absl::OkStatus();
      }
      Next();
      Declare(variable, pipe);
      if (context != "range" || pipe->names.size() >= 2) {
        return Error(absl::StrCat("too many declarations in ", context));
      }
      const TokenType second = PeekNonSpace().type;
      if (second != TokenType::kVariable && second != TokenType::kRightDelimiter &&
          second != TokenType::kRightParenthesis) {
        return Error("range can only initialize variables");
      }
    }
    return absl::OkStatus();
  }

  static bool StartsOperand(TokenType type) {
    switch (type) {
      case TokenType::kBool:
      case TokenType::kCharacterConstant:
      case TokenType::kDot:
      case TokenType::kField:
      case TokenType::kIdentifier:
      case TokenType::kNumber:
      case TokenType::kNil:
      case TokenType::kRawString:
      case TokenType::kString:
      case TokenType::kVariable:
      case TokenType::kLeftParenthesis:
        return true;
      default:
        return false;
    }
  }

  absl::StatusOr<NodePtr> Pipeline(absl::string_view context, TokenType end) {
    STAVE_RETURN_IF_ERROR(Enter());
    NodePtr pipe = Make(Type::kPipe, PeekNonSpace().position);
    STAVE_RETURN_IF_ERROR(Declarations(context, pipe.get()));
    for (;;) {
      const Token& token = PeekNonSpace();
      if (token.type == end) break;
      if (!StartsOperand(token.type)) {
        Next();
        return Unexpected(token, context);
      }
      STAVE_ASSIGN_OR_RETURN(NodePtr command, Command());
      pipe->children.push_back(std::move(command));
    }
    Next();
    Leave();
    STAVE_RETURN_IF_ERROR(CheckPipeline(*pipe, context));
    return pipe;
  }

  absl::Status CheckPipeline(const Node& pipe, absl::string_view context) const {
    if (pipe.children.empty()) return Error(absl::StrCat("missing value for ", context));
    for (size_t i = 1; i < pipe.children.size(); ++i) {
      switch (pipe.children[i]->children[0]->type) {
        case Type::kBool:
        case Type::kDot:
        case Type::kNil:
        case Type::kNumber:
        case Type::kString:
          return Error(absl::StrCat("non executable command in pipeline stage ", i + 1));
        default:
          break;
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<NodePtr> Command() {
    NodePtr command = Make(Type::kCommand, PeekNonSpace().position);
    for (;;) {
      PeekNonSpace();
      STAVE_ASSIGN_OR_RETURN(NodePtr operand, Operand());
      if (operand != nullptr) command->children.push_back(std::move(operand));
      const Token& token = Peek();
      if (token.type == TokenType::kRightDelimiter || token.type == TokenType::kRightParenthesis) {
        break;
      }
      Next();
      if (token.type == TokenType::kPipe) break;
      if (token.type != TokenType::kSpace) return Unexpected(token, "operand");
    }
    if (command->children.empty()) return Error("empty command");
    return command;
  }

  // A term with the fields behind it; null if none begins here.
  absl::StatusOr<NodePtr> Operand() {
    STAVE_ASSIGN_OR_RETURN(NodePtr term, Term());
    if (term == nullptr || Peek().type != TokenType::kField) return term;
    const size_t position = Peek().position;
    std::vector<std::string> names;
    while (Peek().type == TokenType::kField) names.emplace_back(Next().text.substr(1));
    switch (term->type) {
      case Type::kField:
      case Type::kVariable:
        term->position = position;
        std::move(names.begin(), names.end(), std::back_inserter(term->names));
        return term;
      case Type::kBool:
      case Type::kString:
      case Type::kNumber:
      case Type::kNil:
      case Type::kDot:
        return Error(absl::StrCat("unexpected . after term ", GoQuote(DescribeNode(*term))));
      default:
        break;
    }
    NodePtr chain = Make(Type::kChain, position);
    chain->names = std::move(names);
    chain->children.push_back(std::move(term));
    return chain;
  }

  absl::StatusOr<NodePtr> Term();
  absl::StatusOr<NodePtr> Literal(const Token& token);

  ParsedTemplate* parsed_;
  const Functions& functions_;
  Scope scope_;
};

absl::StatusOr<NodePtr> Parser::Term() {
  const Token& token = PeekNonSpace();
  if (!StartsOperand(token.type)) return nullptr;
  Next();
  const auto make = [&token](Type type) { return Make(type, token.position); };
  NodePtr node;
  switch (token.type) {
    case TokenType::kIdentifier:
      if (functions_.find(token.text) == functions_.end()) {
        return Error(absl::StrCat("function ", GoQuote(token.text), " not defined"));
      }
      node = make(Type::kIdentifier);
      node->text = std::string(token.text);
      return node;
    case TokenType::kDot:
      return make(Type::kDot);
    case TokenType::kNil:
      return make(Type::kNil);
    case TokenType::kVariable:
      if (std::find(scope_.variables.begin(), scope_.variables.end(), token.text) ==
          scope_.variables.end()) {
        return Error(absl::StrCat("undefined variable ", GoQuote(token.text)));
      }
      node = make(Type::kVariable);
      node->names.emplace_back(token.text);
      return node;
    case TokenType::kField:
      node = make(Type::kField);
      node->names.emplace_back(token.text.substr(1));
      return node;
    case TokenType::kLeftParenthesis: {
      STAVE_ASSIGN_OR_RETURN(NodePtr pipe,
                             Pipeline("parenthesized pipeline", TokenType::kRightParenthesis));
      return pipe;
    }
    default:
      return Literal(token);
  }
}

absl::StatusOr<NodePtr> Parser::Literal(const Token& token) {
  const bool is_string = token.type == TokenType::kString || token.type == TokenType::kRawString;
  const bool is_bool = token.type == TokenType::kBool;
  NodePtr node = Make(is_string ? Type::kString
                      : is_bool ? Type::kBool
                                : Type::kNumber,
                      token.position);
  node->text = std::string(token.text);
  if (is_bool) {
    node->constant = Value::Bool(token.text == "true");
  } else if (is_string) {
    const std::optional<std::string> text = GoUnquote(token.text);
    if (!text) return Error("invalid syntax");
    node->constant = Value::String(*text);
  } else {
    const absl::StatusOr<Number> number = ParseNumber(token.text);
    if (!number.ok()) return Error(number.status().message());
    node->number = *number;
  }
  return node;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ParsedTemplate>> ParseTemplate(absl::string_view name,
                                                                    absl::string_view text,
                                                                    const Functions& functions) {
  if (text.size() > kMaxTemplate) {
    return base::Error(absl::StatusCode::kResourceExhausted, "E_LIMIT",
                       absl::StrCat("template: ", name, ": more than ", kMaxTemplate, " bytes"));
  }
  auto parsed = std::make_shared<ParsedTemplate>();
  parsed->name = std::string(name);
  parsed->text = std::string(text);
  STAVE_RETURN_IF_ERROR(Parser(parsed.get(), functions).Run());
  return parsed;
}

}  // namespace stave::templates
