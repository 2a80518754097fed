// SPDX-License-Identifier: Apache-2.0
#include "libs/template/tree.h"

#include <utility>

#include "gtest/gtest.h"

namespace stave::templates {
namespace {

using Type = Node::Type;

NodePtr Field(std::vector<std::string> names) {
  auto node = std::make_unique<Node>(Type::kField, 0);
  node->names = std::move(names);
  return node;
}

NodePtr Wrap(Type type, NodePtr child) {
  auto node = std::make_unique<Node>(type, 0);
  node->children.push_back(std::move(child));
  return node;
}

TEST(Tree, NodesAreDescribedInTheirSyntax) {
  NodePtr pipe = Wrap(Type::kPipe, Wrap(Type::kCommand, Field({"A", "B"})));
  EXPECT_EQ(DescribeNode(*pipe), ".A.B");
  NodePtr chain = Wrap(Type::kChain, std::move(pipe));
  chain->names = {"C"};
  EXPECT_EQ(DescribeNode(*chain), "(.A.B).C");
  Node call(Type::kTemplate, 0);
  call.text = "x";
  EXPECT_EQ(DescribeNode(call), "{{template \"x\"}}");
  call.pipe = Wrap(Type::kPipe, Wrap(Type::kCommand, std::make_unique<Node>(Type::kDot, 0)));
  EXPECT_EQ(DescribeNode(call), "{{template \"x\" .}}");
}

TEST(Tree, NodesAreLocatedByLineAndByte) {
  ParsedTemplate parsed;
  parsed.name = "n";
  parsed.text = "ab\ncd";
  EXPECT_EQ(LocateNode(parsed, Node(Type::kDot, 1)), "n:1:1");
  EXPECT_EQ(LocateNode(parsed, Node(Type::kDot, 4)), "n:2:1");
}

TEST(Tree, WhiteSpaceIsNothing) {
  auto text = std::make_unique<Node>(Type::kText, 0);
  text->text = " \n";
  EXPECT_TRUE(IsEmptyTree(*Wrap(Type::kList, std::move(text))));
  EXPECT_FALSE(IsEmptyTree(*Wrap(Type::kList, std::make_unique<Node>(Type::kAction, 0))));
}

}  // namespace
}  // namespace stave::templates
