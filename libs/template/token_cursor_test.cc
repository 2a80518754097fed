// SPDX-License-Identifier: Apache-2.0
#include "libs/template/token_cursor.h"

#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::templates {
namespace {

using Type = Token::Type;

TEST(TokenCursor, WalksAndStaysAtTheEnd) {
  TokenCursor cursor("", "{{  .A }}");
  EXPECT_EQ(cursor.Next().type, Type::kLeftDelimiter);
  const size_t start = cursor.at();
  EXPECT_EQ(cursor.Peek().type, Type::kSpace);
  EXPECT_EQ(cursor.NextNonSpace().type, Type::kField);
  cursor.GoTo(start);
  EXPECT_EQ(cursor.PeekNonSpace().type, Type::kField);
  for (int i = 0; i < 5; ++i) cursor.Next();
  EXPECT_EQ(cursor.Next().type, Type::kEof);
}

TEST(TokenCursor, ErrorsNameTheLastLineLookedAt) {
  TokenCursor cursor("n", "a\n{{.A}}\n\nb");
  cursor.Next();
  cursor.Next();
  EXPECT_EQ(cursor.Error("why").message(), "template: n:2: why");
  EXPECT_EQ(base::ErrorWord(cursor.Error("why")), "E_TEMPLATE");
  EXPECT_EQ(cursor.Unexpected(cursor.Peek(), "operand").message(),
            "template: n:2: unexpected \".A\" in operand");
}

TEST(TokenCursor, LexersErrorsNameTheActionsStart) {
  TokenCursor cursor("", "{{\n\"x");
  cursor.Next();
  cursor.action_line = 1;
  EXPECT_EQ(cursor.Unexpected(cursor.NextNonSpace(), "x").message(),
            "template: :2: unterminated quoted string in action started at :1");
}

TEST(TokenCursor, NestingIsBounded) {
  TokenCursor cursor("", "");
  for (int i = 0; i < kMaxNesting; ++i) ASSERT_TRUE(cursor.Enter().ok());
  EXPECT_EQ(base::ErrorWord(cursor.Enter()), "E_LIMIT");
  cursor.Leave();
  cursor.Leave();
  EXPECT_TRUE(cursor.Enter().ok());
}

}  // namespace
}  // namespace stave::templates
