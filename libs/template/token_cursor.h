// SPDX-License-Identifier: Apache-2.0
//
// A place among the tokens of a template, and the errors that are made there.

#ifndef STAVE_LIBS_TEMPLATE_TOKEN_CURSOR_H_
#define STAVE_LIBS_TEMPLATE_TOKEN_CURSOR_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "libs/template/lex.h"

namespace stave::templates {

inline constexpr int kMaxNesting = 200;  // blocks, parentheses, else-ifs

class TokenCursor {
 public:
  // `text` must outlive the cursor.
  TokenCursor(absl::string_view name, absl::string_view text);
  TokenCursor(const TokenCursor&) = delete;
  TokenCursor& operator=(const TokenCursor&) = delete;

  // The last token, the end or an error, is never passed.
  const Token& Peek();
  const Token& Next();
  const Token& PeekNonSpace();  // passes the space
  const Token& NextNonSpace();

  size_t at() const { return at_; }
  void GoTo(size_t at) { at_ = at; }

  // Where the action began that is being read, 0 outside actions: an error that the lexer found
  // names it.
  int action_line = 0;

  // InvalidArgument [E_TEMPLATE]: "template: NAME:LINE: why", the line that of the last token that
  // was looked at.
  absl::Status Error(absl::string_view why) const;
  // `unexpected "x" in CONTEXT`, or what the lexer said.
  absl::Status Unexpected(const Token& token, absl::string_view context) const;

  // Around what may lie within its like. Errors: ResourceExhausted [E_LIMIT] below kMaxNesting.
  absl::Status Enter();
  void Leave() { --nesting_; }

 private:
  std::string Place() const;

  std::string name_;
  Tokens tokens_;
  size_t at_ = 0;
  size_t furthest_ = 0;
  int nesting_ = 0;
};

}  // namespace stave::templates

#endif  // STAVE_LIBS_TEMPLATE_TOKEN_CURSOR_H_
