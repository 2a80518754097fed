// SPDX-License-Identifier: Apache-2.0
#include "libs/template/parse.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::templates {
namespace {

std::string Why(absl::string_view text) {
  return std::string(ParseTemplate("", text, DockerFunctions()).status().message());
}

TEST(ParseTemplate, MakesATree) {
  const auto parsed = ParseTemplate(
      "n", "a{{range .B}}{{.C | printf \"x\"}}{{end}}{{define `d`}}y{{end}}", DockerFunctions());
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  const Node& root = *(*parsed)->trees.at("n");
  ASSERT_EQ(root.children.size(), 2u);
  EXPECT_EQ(root.children[1]->type, Node::Type::kRange);
  EXPECT_EQ(DescribeNode(*root.children[1]->body), "{{.C | printf \"x\"}}");
  EXPECT_EQ(DescribeNode(*(*parsed)->trees.at("d")), "y");
}

TEST(ParseTemplate, ErrorsAreGos) {
  EXPECT_EQ(Why("{{.A }"), "template: :1: unexpected \"}\" in operand");
  EXPECT_EQ(Why("{{.A"), "template: :1: unclosed action");
  EXPECT_EQ(Why("\n{{if .A}}"), "template: :2: unexpected EOF");
  EXPECT_EQ(Why("{{x}}"), "template: :1: function \"x\" not defined");
  EXPECT_EQ(Why("{{end}}"), "template: :1: unexpected {{end}}");
  EXPECT_EQ(Why("{{$x}}"), "template: :1: undefined variable \"$x\"");
  EXPECT_EQ(Why("{{}}"), "template: :1: missing value for command");
  EXPECT_EQ(Why("{{range}}{{end}}"), "template: :1: missing value for range");
  EXPECT_EQ(Why("{{1 | 2}}"), "template: :1: non executable command in pipeline stage 2");
  EXPECT_EQ(Why("{{break}}"), "template: :1: {{break}} outside {{range}}");
  EXPECT_EQ(Why("{{if 1}}{{else}}{{else}}{{end}}"), "template: :1: expected end; found {{else}}");
  EXPECT_EQ(Why("{{$a, $b := .}}"), "template: :1: too many declarations in command");
  EXPECT_EQ(Why("{{1.A}}"), "template: :1: bad number syntax: \"1.A\"");
  EXPECT_EQ(Why("{{nil.A}}"), "template: :1: unexpected . after term \"nil\"");
  EXPECT_EQ(Why("{{define \"a\"}}1{{end}}{{define \"a\"}}2{{end}}"),
            "template: :1: template: multiple definition of template \"a\"");
  EXPECT_EQ(Why("{{template .A}}"), "template: :1: unexpected \".A\" in template clause");
}

TEST(ParseTemplate, ElseChains) {
  EXPECT_EQ(Why("{{if 1}}{{else if 2}}{{else}}{{end}}"), "");
  EXPECT_EQ(Why("{{with 1}}{{else with 2}}{{end}}"), "");
  EXPECT_EQ(Why("{{with 1}}{{else if 2}}{{end}}"), "template: :1: unexpected <if> in input");
}

TEST(ParseTemplate, IsBounded) {
  std::string deep;
  for (int i = 0; i < 100000 / 2; ++i) deep += "(";
  EXPECT_EQ(base::ErrorWord(ParseTemplate("", "{{" + deep, DockerFunctions()).status()), "E_LIMIT");
  std::string ifs;
  for (int i = 0; i < 10000; ++i) ifs += "{{if 1}}";
  EXPECT_EQ(base::ErrorWord(ParseTemplate("", ifs, DockerFunctions()).status()), "E_LIMIT");
  EXPECT_EQ(base::ErrorWord(
                ParseTemplate("", std::string(kMaxTemplate + 1, 'x'), DockerFunctions()).status()),
            "E_LIMIT");
  // Comments and actions beside one another are no nesting.
  std::string wide;
  for (int i = 0; i < 20000; ++i) wide += "{{/**/}}{{1}}";
  EXPECT_TRUE(ParseTemplate("", wide, DockerFunctions()).ok());
}

}  // namespace
}  // namespace stave::templates
