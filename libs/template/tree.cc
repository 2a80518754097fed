// SPDX-License-Identifier: Apache-2.0
#include "libs/template/tree.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/template/quote.h"

namespace stave::templates {
namespace {

using Type = Node::Type;

// In parentheses if it is a pipeline.
std::string Operand(const Node& node) {
  const std::string text = DescribeNode(node);
  return node.type == Type::kPipe ? absl::StrCat("(", text, ")") : text;
}

std::string Join(const std::vector<NodePtr>& nodes, absl::string_view separator,
                 std::string (*describe)(const Node&)) {
  return absl::StrJoin(nodes, separator, [describe](std::string* out, const NodePtr& node) {
    absl::StrAppend(out, describe(*node));
  });
}

std::string Pipe(const Node& node) {
  return absl::StrCat(absl::StrJoin(node.names, ", "),
                      node.names.empty() ? "" : " := ", Join(node.children, " | ", DescribeNode));
}

std::string Action(absl::string_view keyword, const Node& node) {
  return absl::StrCat("{{", keyword, node.pipe == nullptr ? "" : DescribeNode(*node.pipe), "}}");
}

}  // namespace

std::string DescribeNode(const Node& node) {
  switch (node.type) {
    case Type::kList:
      return Join(node.children, "", DescribeNode);
    case Type::kText:
    case Type::kIdentifier:
    case Type::kString:
    case Type::kNumber:
      return node.text;
    case Type::kAction:
      return Action("", node);
    case Type::kIf:
      return Action("if ", node);
    case Type::kRange:
      return Action("range ", node);
    case Type::kWith:
      return Action("with ", node);
    case Type::kTemplate:
      return Action(absl::StrCat("template ", GoQuote(node.text), node.pipe == nullptr ? "" : " "),
                    node);
    case Type::kBreak:
      return "{{break}}";
    case Type::kContinue:
      return "{{continue}}";
    case Type::kPipe:
      return Pipe(node);
    case Type::kCommand:
      return Join(node.children, " ", Operand);
    case Type::kField:
      return absl::StrCat(".", absl::StrJoin(node.names, "."));
    case Type::kVariable:
      return absl::StrJoin(node.names, ".");
    case Type::kChain:
      return absl::StrCat(Operand(*node.children[0]), ".", absl::StrJoin(node.names, "."));
    case Type::kDot:
      return ".";
    case Type::kNil:
      return "nil";
    case Type::kBool:
      return node.constant.boolean() ? "true" : "false";
    case Type::kEnd:
      return "{{end}}";
    case Type::kElse:
      return "{{else}}";
  }
  return "";
}

std::string LocateNode(const ParsedTemplate& parsed, const Node& node) {
  const absl::string_view before = absl::string_view(parsed.text).substr(0, node.position);
  const size_t newline = before.rfind('\n');
  const size_t column =
      newline == absl::string_view::npos ? before.size() : before.size() - newline - 1;
  const auto lines = std::count(before.begin(), before.end(), '\n');
  return absl::StrCat(parsed.name, ":", lines + 1, ":", column);
}

bool IsEmptyTree(const Node& root) {
  if (root.type == Type::kText) return absl::StripAsciiWhitespace(root.text).empty();
  return root.type == Type::kList &&
         std::all_of(root.children.begin(), root.children.end(),
                     [](const NodePtr& node) { return IsEmptyTree(*node); });
}

}  // namespace stave::templates
