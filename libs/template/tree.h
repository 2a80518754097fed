// SPDX-License-Identifier: Apache-2.0
//
// What a template says, as a tree.

#ifndef STAVE_LIBS_TEMPLATE_TREE_H_
#define STAVE_LIBS_TEMPLATE_TREE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "libs/template/literal.h"
#include "libs/template/value.h"

namespace stave::templates {

struct Node;
using NodePtr = std::unique_ptr<Node>;

struct Node {
  enum class Type : uint8_t {
    kList,    // children: what follows one another
    kText,    // text
    kAction,  // pipe
    kIf,      // pipe, body, otherwise (or none); so kWith and kRange
    kRange,
    kWith,
    kTemplate,  // text: the name; pipe (or none)
    kBreak,
    kContinue,
    kPipe,        // names: the variables it sets, children: the commands
    kCommand,     // children: a function, field .. and its arguments
    kIdentifier,  // text: a function's name
    kField,       // names: .A.B
    kVariable,    // names: $x.A.B, the first one with its dollar
    kChain,       // children: a term; names: the fields behind it
    kDot,
    kNil,
    kBool,    // constant
    kString,  // text: the literal with its quotes; constant
    kNumber,  // text, number
    kEnd,     // of the parser's only
    kElse,
  };

  Node(Type node_type, size_t at) : type(node_type), position(at) {}

  Type type;
  bool assigns = false;  // of a kPipe: = instead of :=
  size_t position;       // in bytes, of what errors point to
  std::string text;
  std::vector<std::string> names;
  std::vector<NodePtr> children;
  NodePtr pipe;
  NodePtr body;
  NodePtr otherwise;
  Value constant;
  Number number;
};

struct ParsedTemplate {
  std::string name;
  std::string text;
  std::map<std::string, NodePtr, std::less<>> trees;  // by name, with those of define and block
};

// The node in a template's syntax, as errors quote it. Of if, range and with only the first action.
std::string DescribeNode(const Node& node);

// "NAME:LINE:COLUMN" of the node; lines are counted from 1, columns from 0, in bytes.
std::string LocateNode(const ParsedTemplate& parsed, const Node& node);

// Whether there is nothing in a tree but white space.
bool IsEmptyTree(const Node& root);

}  // namespace stave::templates

#endif  // STAVE_LIBS_TEMPLATE_TREE_H_
