// SPDX-License-Identifier: Apache-2.0
#include "libs/template/lex.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace stave::templates {
namespace {

using Type = Token::Type;

// The tokens between bars; an error after a "!".
std::string Show(absl::string_view text) {
  Tokens tokens;
  Lex(text, &tokens);
  std::string out;
  for (const Token& token : tokens.all) {
    absl::StrAppend(&out, token.type == Type::kError ? "!" : "", token.text, "|");
  }
  return out;
}

TEST(Lex, TextAndActions) {
  EXPECT_EQ(Show("a{{.B}}c"), "a|{{|.B|}}|c||");
  EXPECT_EQ(Show(""), "|");
  EXPECT_EQ(Show("{{ .A.B | printf \"x\" `y` 'z' -1.5 }}"),
            "{{| |.A|.B| ||| |printf| |\"x\"| |`y`| |'z'| |-1.5| |}}||");
  EXPECT_EQ(Show("{{$x := true}}{{$x = nil}}"), "{{|$x| |:=| |true|}}|{{|$x| |=| |nil|}}||");
}

TEST(Lex, TrimsAndComments) {
  EXPECT_EQ(Show("a \n{{- .B -}}\n c"), "a|{{|.B|}}|c||");
  EXPECT_EQ(Show("{{-3}}"), "{{|-3|}}||");
  EXPECT_EQ(Show("a{{/* x */}}b{{- /* y */ -}} c"), "a|b|c||");
  EXPECT_EQ(Show("{{/* x"), "!unclosed comment|");
  EXPECT_EQ(Show("{{/* x */ }}"), "!comment ends before closing delimiter|");
}

TEST(Lex, Types) {
  Tokens tokens;
  Lex("{{range . $ .x (}}", &tokens);
  const Type expected[] = {Type::kLeftDelimiter, Type::kRange,           Type::kSpace, Type::kDot,
                           Type::kSpace,         Type::kVariable,        Type::kSpace, Type::kField,
                           Type::kSpace,         Type::kLeftParenthesis, Type::kError};
  ASSERT_EQ(tokens.all.size(), std::size(expected));
  for (size_t i = 0; i < std::size(expected); ++i) EXPECT_EQ(tokens.all[i].type, expected[i]) << i;
}

TEST(Lex, Errors) {
  EXPECT_EQ(Show("{{"), "{{|!unclosed action|");
  EXPECT_EQ(Show("{{\"a"), "{{|!unterminated quoted string|");
  EXPECT_EQ(Show("{{`a"), "{{|!unterminated raw quoted string|");
  EXPECT_EQ(Show("{{'a"), "{{|!unterminated character constant|");
  EXPECT_EQ(Show("{{.A}"), "{{|!bad character U+007D '}'|");
  EXPECT_EQ(Show("{{3k}}"), "{{|!bad number syntax: \"3k\"|");
  EXPECT_EQ(Show("{{:}}"), "{{|!expected :=|");
  EXPECT_EQ(Show("{{)}}"), "{{|)|!unexpected right paren U+0029 ')'|");
  EXPECT_EQ(Show("{{\x01}}"), "{{|!unrecognized character in action: U+0001|");
}

TEST(Lex, LinesAndPositions) {
  Tokens tokens;
  Lex("a\n{{.B\n.C}}\nd", &tokens);
  EXPECT_EQ(tokens.all[2].line, 2);
  EXPECT_EQ(tokens.all[2].position, 4u);
  EXPECT_EQ(tokens.all[4].line, 3);
  EXPECT_EQ(tokens.all[6].line, 3);
}

TEST(Lex, Description) {
  EXPECT_EQ(DescribeToken({Type::kEof, 0, 1, ""}), "EOF");
  EXPECT_EQ(DescribeToken({Type::kRange, 0, 1, "range"}), "<range>");
  EXPECT_EQ(DescribeToken({Type::kCharacter, 0, 1, "}"}), "\"}\"");
  EXPECT_EQ(DescribeToken({Type::kText, 0, 1, "a longer one"}), "\"a longer o\"...");
}

}  // namespace
}  // namespace stave::templates
