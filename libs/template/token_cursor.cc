// SPDX-License-Identifier: Apache-2.0
#include "libs/template/token_cursor.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"

namespace stave::templates {

TokenCursor::TokenCursor(absl::string_view name, absl::string_view text) : name_(name) {
  Lex(text, &tokens_);
}

const Token& TokenCursor::Peek() {
  furthest_ = std::max(furthest_, at_);
  return tokens_.all[at_];
}

const Token& TokenCursor::Next() {
  const Token& token = Peek();
  if (at_ + 1 < tokens_.all.size()) ++at_;
  return token;
}

const Token& TokenCursor::PeekNonSpace() {
  while (Peek().type == Token::Type::kSpace) ++at_;
  return Peek();
}

const Token& TokenCursor::NextNonSpace() {
  PeekNonSpace();
  return Next();
}

std::string TokenCursor::Place() const {
  return absl::StrCat("template: ", name_, ":", tokens_.all[furthest_].line, ": ");
}

absl::Status TokenCursor::Error(absl::string_view why) const {
  return base::Error(absl::StatusCode::kInvalidArgument, "E_TEMPLATE", absl::StrCat(Place(), why));
}

absl::Status TokenCursor::Unexpected(const Token& token, absl::string_view context) const {
  const std::string what = DescribeToken(token);
  if (token.type != Token::Type::kError) {
    return Error(absl::StrCat("unexpected ", what, " in ", context));
  }
  if (action_line == 0 || action_line == token.line) return Error(what);
  return Error(absl::StrCat(what, absl::EndsWith(what, " action") ? "" : " in action",
                            " started at ", name_, ":", action_line));
}

absl::Status TokenCursor::Enter() {
  if (++nesting_ <= kMaxNesting) return absl::OkStatus();
  return base::Error(
      absl::StatusCode::kResourceExhausted, "E_LIMIT",
      absl::StrCat(Place(), "more than ", kMaxNesting, " blocks within one another"));
}

}  // namespace stave::templates
